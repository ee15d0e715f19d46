import { Conv1d } from '../../nn/conv.js';
import { Module } from '../../nn/module.js';
import { BatchNorm1d } from '../../nn/norm.js';
import { add } from '../../ops/array/binary.js';
import { relu } from '../../ops/array/unary.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ConvStage, SignalConfig } from './signal-config.js';

/** The padding at which a convolution gives a clip's steps over its stride. */
export function stagePadding({ kernel, stride }: ConvStage): number {
  return Math.ceil((kernel - stride) / 2);
}

/** Residual convolutions over the clips: x + ReLU(BatchNorm(conv(x))), dilated. */
export class TemporalContext extends Module {
  readonly #layers;

  constructor(runtime: Runtime, channels: number, dilations: readonly number[]) {
    super(runtime);
    this.#layers = dilations.map((dilation, i) => ({
      convolution: this.child(
        `${i}.conv`,
        new Conv1d(runtime, channels, channels, 3, { dilation, padding: dilation, bias: false }),
      ),
      norm: this.child(`${i}.bn`, new BatchNorm1d(runtime, channels, { activation: 'relu' })),
    }));
  }

  /** (V, channels, N) to the same shape. */
  forward(clips: Tensor): Tensor {
    return this.#layers.reduce(
      (x, { convolution, norm }) => add(x, norm.forward(convolution.forward(x))),
      clips,
    );
  }
}

/** Convolutions over the samples of a signal down to one vector a clip, and temporal context (ours). */
export class SignalClips extends Module {
  readonly #stages;
  readonly #project: Conv1d;
  readonly #context: TemporalContext;

  constructor(runtime: Runtime, { channels, stages, context }: SignalConfig, hidden: number) {
    super(runtime);
    let width = channels;
    this.#stages = stages.map((stage, i) => {
      const { channels: outputs, kernel, stride } = stage;
      const convolution = new Conv1d(runtime, width, outputs, kernel, {
        stride,
        padding: stagePadding(stage),
        bias: false,
      });
      width = outputs;
      return {
        convolution: this.child(`stages.${i}.conv`, convolution),
        norm: this.child(`stages.${i}.bn`, new BatchNorm1d(runtime, outputs, { activation: 'relu' })),
      };
    });
    this.#context = this.child('context', new TemporalContext(runtime, width, context));
    this.#project = this.child('project', new Conv1d(runtime, width, hidden, 1));
  }

  /** (V, channels, N · samples of a clip) to (V, hidden, N). */
  forward(video: Tensor): Tensor {
    return this.runtime.scope(() => {
      const clips = this.#stages.reduce(
        (x, { convolution, norm }) => norm.forward(convolution.forward(x)),
        video,
      );
      return relu(this.#project.forward(this.#context.forward(clips)));
    });
  }
}
