import { Conv1d, Conv2d } from '../../nn/conv.js';
import { constantInitial } from '../../nn/initial.js';
import { Linear } from '../../nn/linear.js';
import { Module } from '../../nn/module.js';
import { BatchNorm1d, BatchNorm2d } from '../../nn/norm.js';
import { add } from '../../ops/array/binary.js';
import { transpose } from '../../ops/array/permute.js';
import { relu } from '../../ops/array/unary.js';
import { averagePool } from '../../ops/image/pool.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import { SignalClips, stagePadding, TemporalContext } from '../common/signal-clips.js';
import { totalStride } from '../common/signal-config.js';
import type { ClipConfig, FramesConfig } from './config.js';

/** Makes the feature sequence of a video's clips. */
export abstract class ClipEncoder extends Module {
  /** The video as its configuration says, to (V, d_F, N). */
  abstract forward(video: Tensor): Tensor;
}

export function clipEncoder(
  runtime: Runtime,
  config: ClipConfig,
  hidden: number,
  clips: number,
): ClipEncoder {
  if (config.kind === 'features') return new FeatureClips(runtime, config.channels, config.pool, hidden);
  return config.kind === 'signal'
    ? new SignalClips(runtime, config, hidden)
    : new FrameClips(runtime, config, hidden, clips);
}

/** Shape of the video tensor of a batch of `videos`. */
export function videoShape(config: ClipConfig, clips: number, videos: number): number[] {
  switch (config.kind) {
    case 'features':
      return [videos, config.channels, clips * config.pool];
    case 'signal':
      return [videos, config.channels, clips * totalStride(config.stages)];
    default:
      return [videos, clips * config.frames, config.channels, ...config.size];
  }
}

/** MS-2D-TAN's ClipAvgPool: a linear layer a step, ReLU, and the mean of the steps of a clip. */
class FeatureClips extends ClipEncoder {
  readonly #convolution: Conv1d;

  constructor(
    runtime: Runtime,
    channels: number,
    readonly pool: number,
    hidden: number,
  ) {
    super(runtime);
    this.#convolution = this.child(
      'vis_conv',
      new Conv1d(runtime, channels, hidden, 1, { activation: 'relu' }),
    );
  }

  /** (V, channels, N · pool) to (V, hidden, N). */
  forward(video: Tensor): Tensor {
    return this.runtime.scope(() => {
      const steps = this.#convolution.forward(video);
      if (this.pool === 1) return steps;
      const [videos, hidden, length] = steps.shape as [number, number, number];
      const pooled = averagePool(steps.reshape([videos, hidden, 1, length]), { kernel: [1, this.pool] });
      return pooled.reshape([videos, hidden, -1]);
    });
  }
}

/** Convolutions over each frame, a linear layer over all that the frames of a clip show, and temporal context (ours). */
class FrameClips extends ClipEncoder {
  readonly #stages;
  readonly #join: Linear;
  readonly #norm: BatchNorm1d;
  readonly #context: TemporalContext;
  readonly #project: Conv1d;

  constructor(
    runtime: Runtime,
    readonly config: FramesConfig,
    hidden: number,
    readonly clips: number,
  ) {
    super(runtime);
    const { size, frames, stages, width, context } = config;
    let channels = config.channels;
    this.#stages = stages.map((stage, i) => {
      const { channels: outputs, kernel, stride } = stage;
      const convolution = new Conv2d(runtime, channels, outputs, kernel, {
        stride,
        padding: stagePadding(stage),
        bias: false,
      });
      channels = outputs;
      return {
        convolution: this.child(`stages.${i}.conv`, convolution),
        norm: this.child(`stages.${i}.bn`, new BatchNorm2d(runtime, outputs, { activation: 'relu' })),
      };
    });
    const factor = totalStride(stages);
    const shown = (channels * size[0] * size[1]) / factor ** 2;
    this.#join = this.child('join', new Linear(runtime, frames * shown, width, { bias: false }));
    this.#norm = this.child('bn', new BatchNorm1d(runtime, width, { activation: 'relu' }));
    this.#context = this.child('context', new TemporalContext(runtime, width, context));
    this.#project = this.child('project', new Conv1d(runtime, width, hidden, 1));
  }

  /** (V, N · frames, channels, H, W) to (V, hidden, N). */
  forward(video: Tensor): Tensor {
    return this.runtime.scope(() => {
      const [videos, , channels, height, width] = video.shape as [number, number, number, number, number];
      const images = video.reshape([-1, channels, height, width]);
      const shown = this.#stages.reduce(
        (x, { convolution, norm }) => norm.forward(convolution.forward(x)),
        images,
      );
      const clips = transpose(this.#join.forward(shown.reshape([videos, this.clips, -1])));
      return relu(this.#project.forward(this.#context.forward(this.#norm.forward(clips))));
    });
  }
}

/** A learned vector for each clip's place in the video, added to its feature (ours). */
export class ClipPositions extends Module {
  readonly #weight;

  constructor(runtime: Runtime, hidden: number, clips: number) {
    super(runtime);
    this.#weight = this.parameter('weight', [1, hidden, clips], constantInitial(0));
  }

  /** (V, hidden, N) to the same shape. */
  forward(clips: Tensor): Tensor {
    return add(clips, this.#weight.tensor);
  }
}
