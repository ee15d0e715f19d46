import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  onlyFields,
  type Rules,
} from '../../arguments.js';
import { type Features, featuresRule } from '../../data/formats/features.js';
import { Safetensors } from '../../data/formats/safetensors.js';
import { FileFormatError, ShapeError } from '../../errors.js';
import { Conv1d } from '../../nn/conv.js';
import { Linear } from '../../nn/linear.js';
import { type LoadOptions, loadRules } from '../../nn/load-weights.js';
import { loaded } from '../../nn/module.js';
import { add, mul } from '../../ops/array/binary.js';
import { concat } from '../../ops/array/concat.js';
import { transpose } from '../../ops/array/permute.js';
import { narrow } from '../../ops/array/slice.js';
import { softmax } from '../../ops/array/softmax.js';
import { matmul } from '../../ops/matmul/matmul.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyRuntime } from '../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../tensor/tensor.js';
import { type BaseOutputs, WtalBase } from './base.js';

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

/** What is localized from: B videos of T steps and K classes. */
export interface CmcsScores {
  /** (B, T, K) class activation sequence, logits. */
  readonly cas: Tensor;
  /** (B, T) attention, a softmax over time: it sums to 1, unlike that of the other bases. */
  readonly attention: Tensor;
  /** (B, K) probability of each class in the video. */
  readonly videoScores: Tensor;
}

/** All that the network says; the features, (B, T, width), are those after the first convolution. */
export interface CmcsOutputs extends CmcsScores, BaseOutputs {}

const size = integer(1);
export const cmcsRules: Rules<CmcsConfig> = {
  channels: size,
  width: size,
  branchWidth: size,
  branches: size,
  classes: integer(2),
};

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
export class Cmcs extends WtalBase {
  readonly #base: Conv1d;
  readonly #branches: readonly { readonly conv: Conv1d; readonly head: Linear }[];
  readonly #attentionConv: Conv1d;
  readonly #attentionHead: Linear;

  constructor(
    runtime: Runtime,
    readonly config: CmcsConfig,
  ) {
    checkArguments('Cmcs', { runtime, config }, { runtime: anyRuntime, config: onlyFields(cmcsRules) });
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

  get width(): number {
    return this.config.width;
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
    this.#checkSteps(batch, steps, Math.max(this.classes, this.width));
    return this.runtime.scope(() => {
      const windows = this.#windows(steps, (begin, end) => stepsOf(features, begin, end), true);
      return {
        ...scoresOf(windows),
        features: joined(windows.map((window) => window.features!)),
        modalAttentions: [],
        actionness: [],
        reconstructions: [],
      };
    });
  }

  classify(features: Tensor): Tensor {
    checkArgument('Cmcs.classify', 'features', features, anyTensor);
    if (features.rank !== 3 || features.shape[2] !== this.width) {
      throw new ShapeError(`cmcs: features must be (B, T, ${this.width}), not ${features}`);
    }
    return this.runtime.scope(() => this.#classify(transpose(features, 1, 2), (sequence) => sequence));
  }

  /**
   * The scores alone, for a batch of one and features on the host, which may be larger than a buffer of the device.
   * @throws ShapeError where the features have other channels, or more steps than the device can hold the results of
   */
  forwardVideo(features: Features): CmcsScores {
    checkArgument('Cmcs.forwardVideo', 'features', features, featuresRule);
    const { steps, channels, data } = features;
    if (channels !== this.channels) {
      throw new ShapeError(
        `cmcs: the features have ${channels} channels, the network takes ${this.channels}`,
      );
    }
    this.#checkSteps(1, steps, this.classes);
    return this.runtime.scope(() => {
      const source = (begin: number, end: number) =>
        this.runtime.tensor(data.subarray(begin * channels, end * channels), [1, end - begin, channels]);
      return scoresOf(this.#windows(steps, source, false));
    });
  }

  /** @throws ShapeError where a result of `numbers` numbers a step is larger than a binding of the device */
  #checkSteps(batch: number, steps: number, numbers: number): void {
    const most = Math.floor(this.runtime.traits.limits.maxStorageBufferBindingSize / (4 * batch * numbers));
    if (steps <= most) return;
    throw new ShapeError(
      `cmcs: the video has ${steps} steps, but this device holds at most ${most} steps of ` +
        `${numbers === this.classes ? `${numbers} classes` : `${numbers} features`} ` +
        `for ${batch} video${batch === 1 ? '' : 's'} at a time`,
    );
  }

  #windows(steps: number, source: FeatureSource, keepFeatures: boolean): WindowScores[] {
    return Array.from({ length: Math.ceil(steps / windowSteps) }, (_, i) => {
      const begin = i * windowSteps;
      return this.#window(steps, begin, Math.min(steps, begin + windowSteps), source, keepFeatures);
    });
  }

  #window(
    steps: number,
    begin: number,
    end: number,
    source: FeatureSource,
    keepFeatures: boolean,
  ): WindowScores {
    const first = Math.max(0, begin - context);
    const last = Math.min(steps, end + context);
    return this.runtime.scope(() => {
      const base = this.#base.forward(transpose(source(first, last), 1, 2));
      const within = (sequence: Tensor) =>
        last - first === end - begin ? sequence : narrow(sequence, 1, begin - first, end - begin);
      const evidence = this.#attentionHead.forward(
        within(transpose(this.#attentionConv.forward(base), 1, 2)),
      );
      return {
        cas: this.#classify(base, within),
        evidence: evidence.reshape(evidence.shape.slice(0, 2)),
        ...(keepFeatures && { features: within(transpose(base, 1, 2)) }),
      };
    });
  }

  /** The features (B, width, T) after the first convolution to the CAS of the steps that `within` takes. */
  #classify(base: Tensor, within: (sequence: Tensor) => Tensor): Tensor {
    return this.runtime.scope(() => {
      const scores = this.#branches.map(({ conv, head }) =>
        head.forward(within(transpose(conv.forward(base), 1, 2))),
      );
      return mul(
        scores.reduce((sum, score) => add(sum, score)),
        1 / scores.length,
      );
    });
  }
}

/** Steps of B videos that were computed at once. */
interface WindowScores {
  /** (B, steps, K) */
  readonly cas: Tensor;
  /** (B, steps) logits of the attention. */
  readonly evidence: Tensor;
  /** (B, steps, width) */
  readonly features?: Tensor;
}

const joined = (parts: readonly Tensor[]) => (parts.length === 1 ? parts[0]! : concat(parts, 1));

function scoresOf(windows: readonly WindowScores[]): CmcsScores {
  const cas = joined(windows.map((window) => window.cas));
  const attention = softmax(joined(windows.map((window) => window.evidence)));
  const [batch, steps, classes] = cas.shape as [number, number, number];
  const pooled = matmul({ a: attention.reshape([batch, 1, steps]), b: cas });
  return { cas, attention, videoScores: softmax(pooled.reshape([batch, classes])) };
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
