import { checkArgument, checkArguments, checkFields, integer, object } from '../../arguments.js';
import { Module } from '../../nn/module.js';
import { div, maximum, mul } from '../../ops/array/binary.js';
import { cast } from '../../ops/array/cast.js';
import { concat } from '../../ops/array/concat.js';
import { cumsum } from '../../ops/array/cumsum.js';
import { transpose } from '../../ops/array/permute.js';
import { narrow } from '../../ops/array/slice.js';
import { scaleShift } from '../../ops/array/unary.js';
import { within } from '../../ops/call.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { anyTensor, expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { SignalClips } from '../common/signal-clips.js';
import { totalStride } from '../common/signal-config.js';
import { CgDetr, type CgDetrOutputs, type CgDetrTrainingOutputs } from './cg-detr/cg-detr.js';
import { type GroundingOperands, groundingOperandRules } from './cg-detr/operands.js';
import { checkGroundingConfig, type GroundingConfig } from './config.js';

/**
 * A network that grounds texts, from what is read of a video: its features, or a signal through convolutions. Each clip also
 * has the beginning and the end of its time, as parts of the video (Moment-DETR).
 */
export class GroundingNetwork extends Module {
  readonly #signal: SignalClips | undefined;
  readonly network: CgDetr;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: GroundingConfig,
  ) {
    checkArguments('GroundingNetwork', { runtime, config }, { runtime: anyRuntime, config: object as never });
    checkGroundingConfig(config);
    super(runtime);
    const { clips, network, text } = config;
    this.#signal =
      clips.kind === 'signal'
        ? this.child('clips', new SignalClips(runtime, clips, network.width))
        : undefined;
    const channels = clips.kind === 'signal' ? network.width : clips.channels;
    this.network = this.inline(new CgDetr(runtime, network, { video: channels + 2, text: text.channels }));
  }

  /** Shape of what is read of so many videos: features (B, T, channels), or signals (B, channels, T · samples of a clip). */
  videoShape(batch: number): [number, number, number] {
    checkArgument('GroundingNetwork.videoShape', 'batch', batch, integer(1));
    const { clips, longest } = this.config;
    return clips.kind === 'signal'
      ? [batch, clips.channels, longest * totalStride(clips.stages)]
      : [batch, longest, clips.channels];
  }

  /** @param operands `video` as `videoShape` says @throws ShapeError, DtypeError, OptionError */
  forward(operands: GroundingOperands): CgDetrOutputs {
    return this.runtime.scope(() => this.network.forward(this.#seen('forward', operands)));
  }

  /** As `CgDetr.forwardForTraining`. */
  forwardForTraining(operands: GroundingOperands, moments: Tensor): CgDetrTrainingOutputs {
    const where = 'forwardForTraining';
    checkArgument(`GroundingNetwork.${where}`, 'moments', moments, anyTensor);
    return this.runtime.scope(() => this.network.forwardForTraining(this.#seen(where, operands), moments));
  }

  #seen(where: string, all: GroundingOperands): GroundingOperands {
    const { video, ...operands } = this.#checked(`GroundingNetwork.${where}`, all);
    return this.runtime.scope(() => {
      const clips = this.#signal ? transpose(this.#signal.forward(video), 1, 2) : video;
      return { ...operands, video: concat([clips, times(operands.videoMask)], 2) };
    });
  }

  #checked(where: string, operands: GroundingOperands): GroundingOperands {
    checkFields(where, operands, groundingOperandRules, 'operand');
    const { video, videoMask } = operands;
    const batch = video.shape[0] ?? 1;
    within(where, () => {
      expectShape(video, 'video', this.videoShape(batch));
      expectDtype(video, 'video', 'f32');
      expectShape(videoMask, 'videoMask', [batch, this.config.longest]);
      expectDtype(videoMask, 'videoMask', 'u32');
    });
    return operands;
  }
}

/** Of masks (B, T) beginning and end of each clip as parts of the video, (B, T, 2); 0 in padding. */
function times(mask: Tensor): Tensor {
  const [batch, clips] = mask.shape as [number, number];
  return mask.runtime.scope(() => {
    const present = cast(mask, 'f32');
    const counts = cumsum(present);
    const known = maximum(narrow(counts, 1, clips - 1, 1), 1);
    const share = (x: Tensor) => mul(div(x, known), present).reshape([batch, clips, 1]);
    return concat([share(scaleShift(counts, 1, -1)), share(counts)], 2);
  });
}
