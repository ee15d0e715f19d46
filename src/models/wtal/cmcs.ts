import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  onlyFields,
} from '../../arguments.js';
import { type Features, featuresRule } from '../../data/formats/features.js';
import { Safetensors } from '../../data/formats/safetensors.js';
import { FileFormatError, ShapeError } from '../../errors.js';
import { Conv1d } from '../../nn/conv.js';
import { Linear } from '../../nn/linear.js';
import { type LoadOptions, loadRules } from '../../nn/load-weights.js';
import { loaded, Module } from '../../nn/module.js';
import { add, mul } from '../../ops/array/binary.js';
import { concat } from '../../ops/array/concat.js';
import { transpose } from '../../ops/array/permute.js';
import { narrow } from '../../ops/array/slice.js';
import { softmax } from '../../ops/array/softmax.js';
import { matmul } from '../../ops/matmul/matmul.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyRuntime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import { anyTensor } from '../../tensor/tensor.js';

/** Sizes of a CMCS network. */
export interface CmcsConfig {
  /** Channels of the features: RGB and flow together. */
  readonly channels: number;
  /** Channels after the first convolution. */
  readonly width: number;
  /** Channels of each branch and of the attention. */
  readonly branchWidth: number;
  /** Classification branches, whose scores are averaged. */
  readonly branches: number;
  /** Outputs, the background among them as the last. */
  readonly classes: number;
}

/** What the network says about B videos of T steps and K classes. */
export interface CmcsOutputs {
  /** (B, T, K) class activation sequence, logits. */
  readonly cas: Tensor;
  /** (B, T) attention, a softmax over time. */
  readonly attention: Tensor;
  /** (B, K) probability of each class in the video. */
  readonly videoScores: Tensor;
}

const size = integer(1);
const configRule = onlyFields<CmcsConfig>({
  channels: size,
  width: size,
  branchWidth: size,
  branches: size,
  classes: integer(2),
});

/** Steps of time that are computed at once, so that what lies between the layers stays small. */
const windowSteps = 4096;

/** Steps on each side that a result depends on: the branches have kernels of three. */
const context = 1;

/** Features (B, end - begin, channels) of the steps from `begin` to before `end`. */
type FeatureSource = (begin: number, end: number) => Tensor;

/**
 * CMCS: completeness modelling and context separation for weakly supervised temporal action localization
 * (Liu, Jiang, Wang, CVPR 2019). The released weights load as they are.
 */
export class Cmcs extends Module {
  readonly #base: Conv1d;
  readonly #branches: readonly { readonly conv: Conv1d; readonly head: Linear }[];
  readonly #attentionConv: Conv1d;
  readonly #attentionHead: Linear;

  constructor(
    runtime: Runtime,
    readonly config: CmcsConfig,
  ) {
    checkArguments('Cmcs', { runtime, config }, { runtime: anyRuntime, config: configRule });
    super(runtime);
    const { channels, width, branchWidth, branches, classes } = config;
    const relu = { activation: 'relu' } as const;
    this.#base = this.child('base.base_conv_0', new Conv1d(runtime, channels, width, 1, relu));
    this.#branches = Array.from({ length: branches }, (_, i) => ({
      conv: this.child(
        `cls_bottoms.${i}.cls_b${i}_conv_0`,
        new Conv1d(runtime, width, branchWidth, 3, { ...relu, padding: 1 }),
      ),
      head: this.child(`cls_heads.${i}`, new Linear(runtime, branchWidth, classes)),
    }));
    this.#attentionConv = this.child(
      'att_bottom.att_conv_0',
      new Conv1d(runtime, width, branchWidth, 1, relu),
    );
    this.#attentionHead = this.child('att_head', new Linear(runtime, branchWidth, 1));
  }

  /**
   * Makes the network that a checkpoint holds, its sizes read from the shapes of the tensors.
   * @throws FileFormatError where it is no checkpoint of this network
   */
  static async load(runtime: Runtime, checkpoint: Safetensors, options: LoadOptions = {}): Promise<Cmcs> {
    checkArguments(
      'Cmcs.load',
      { runtime, checkpoint },
      { runtime: anyRuntime, checkpoint: instanceOf(Safetensors, 'a checkpoint (openSafetensors)') },
    );
    checkFields('Cmcs.load', options, loadRules);
    const model = new Cmcs(runtime, cmcsConfig(checkpoint));
    return loaded(model, checkpoint, options);
  }

  get channels(): number {
    return this.config.channels;
  }

  get classes(): number {
    return this.config.classes;
  }

  /**
   * Features (B, T, channels) to the sequences of {@link CmcsOutputs}. Long videos are computed in windows of time, with
   * the same results.
   * @throws ShapeError where the features have another shape, or more steps than the device can hold the results of
   */
  forward(features: Tensor): CmcsOutputs {
    checkArgument('Cmcs.forward', 'features', features, anyTensor);
    const [batch = 0, steps = 0, channels] = features.shape;
    if (features.rank !== 3 || channels !== this.channels) {
      throw new ShapeError(`cmcs: features must be (B, T, ${this.channels}), not ${features}`);
    }
    return this.#forward(batch, steps, (begin, end) => stepsOf(features, begin, end));
  }

  /**
   * As {@link forward} with a batch of one, for features on the host, which may be larger than a buffer of the device.
   * @throws ShapeError where the features have other channels, or more steps than the device can hold the results of
   */
  forwardVideo(features: Features): CmcsOutputs {
    checkArgument('Cmcs.forwardVideo', 'features', features, featuresRule);
    const { steps, channels, data } = features;
    if (channels !== this.channels) {
      throw new ShapeError(
        `cmcs: the features have ${channels} channels, the network takes ${this.channels}`,
      );
    }
    return this.#forward(1, steps, (begin, end) =>
      this.runtime.tensor(data.subarray(begin * channels, end * channels), [1, end - begin, channels]),
    );
  }

  #forward(batch: number, steps: number, source: FeatureSource): CmcsOutputs {
    const { runtime, classes } = this;
    const most = Math.floor(runtime.traits.limits.maxStorageBufferBindingSize / (4 * batch * classes));
    if (steps > most) {
      throw new ShapeError(
        `cmcs: the video has ${steps} steps, but this device holds at most ${most} steps of ${classes} classes ` +
          `for ${batch} video${batch === 1 ? '' : 's'} at a time`,
      );
    }
    return runtime.scope(() => {
      const windows = Array.from({ length: Math.ceil(steps / windowSteps) }, (_, i) => i * windowSteps).map(
        (begin) => this.#window(steps, begin, Math.min(steps, begin + windowSteps), source),
      );
      const joined = (parts: readonly Tensor[]) => (parts.length === 1 ? parts[0]! : concat(parts, 1));
      const cas = joined(windows.map((window) => window.cas));
      const attention = softmax(joined(windows.map((window) => window.evidence)));
      const pooled = matmul({ a: attention.reshape([batch, 1, steps]), b: cas });
      return { cas, attention, videoScores: softmax(pooled.reshape([batch, classes])) };
    });
  }

  /** Class activation sequence and logits of the attention (B, end - begin) of some steps. */
  #window(
    steps: number,
    begin: number,
    end: number,
    source: FeatureSource,
  ): { cas: Tensor; evidence: Tensor } {
    const first = Math.max(0, begin - context);
    const last = Math.min(steps, end + context);
    return this.runtime.scope(() => {
      const base = this.#base.forward(transpose(source(first, last), 1, 2));
      const within = (sequence: Tensor) =>
        last - first === end - begin ? sequence : narrow(sequence, 1, begin - first, end - begin);
      const scores = this.#branches.map(({ conv, head }) =>
        head.forward(within(transpose(conv.forward(base), 1, 2))),
      );
      const cas = mul(
        scores.reduce((sum, score) => add(sum, score)),
        1 / scores.length,
      );
      const evidence = this.#attentionHead.forward(
        within(transpose(this.#attentionConv.forward(base), 1, 2)),
      );
      return { cas, evidence: evidence.reshape(evidence.shape.slice(0, 2)) };
    });
  }
}

/** Some steps of features (B, T, channels), which may be larger than a binding of the device. */
function stepsOf(features: Tensor, begin: number, end: number): Tensor {
  const [batch, steps, channels] = features.shape as [number, number, number];
  if (begin === 0 && end === steps) return features;
  if (features.range.bytes <= features.runtime.traits.limits.maxStorageBufferBindingSize) {
    return narrow(features, 1, begin, end - begin);
  }
  const rows = features.reshape([batch * steps, channels]);
  const videos = Array.from({ length: batch }, (_, video) => {
    const first = video * steps + begin;
    const spare = first % rows.rowAlignment;
    const view = rows.rows(first - spare, video * steps + end);
    return narrow(view, 0, spare, end - begin).reshape([1, end - begin, channels]);
  });
  return videos.length === 1 ? videos[0]! : concat(videos, 0);
}

/** The sizes of the network that a checkpoint holds. @throws FileFormatError where it is no checkpoint of this network */
export function cmcsConfig(checkpoint: Pick<Safetensors, 'name' | 'tensors'>): CmcsConfig {
  const shapeOf = (name: string, rank: number): readonly number[] => {
    const shape = checkpoint.tensors.get(name)?.shape;
    if (shape?.length === rank) return shape;
    throw new FileFormatError(
      `${checkpoint.name} is no CMCS checkpoint: ${name} ${shape ? `is [${shape.join(', ')}]` : 'is missing'}`,
    );
  };
  const [width, channels] = shapeOf('base.base_conv_0.weight', 3) as [number, number, number];
  const [classes, branchWidth] = shapeOf('cls_heads.0.weight', 2) as [number, number];
  const heads = [...checkpoint.tensors.keys()].filter((name) => /^cls_heads\.\d+\.weight$/.test(name));
  return { channels, width, branchWidth, classes, branches: heads.length };
}
