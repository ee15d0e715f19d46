import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The sizes of (B, C, …), all axes beyond the channels as one. */
export interface ChannelSizes {
  readonly batch: number;
  readonly channels: number;
  readonly spatial: number;
}

/** @throws ShapeError where the tensor has no channels */
export function channelSizes(x: Tensor): ChannelSizes {
  const [batch, channels] = x.shape;
  if (batch === undefined || channels === undefined) {
    throw new ShapeError(`x must be (B, C, …), not ${x}`);
  }
  return { batch, channels, spatial: x.size / (batch * channels) };
}

/** A channel as runs of elements, for kernels whose lanes go along the runs: the longer way. */
export function channelRuns({ batch, channels, spatial }: ChannelSizes) {
  const alongSpace = { span: spatial, stride: 1, rows: batch, row_stride: channels * spatial };
  const alongBatch = { span: batch, stride: channels * spatial, rows: spatial, row_stride: 1 };
  return { channels, channel_stride: spatial, ...(spatial >= batch ? alongSpace : alongBatch) };
}
