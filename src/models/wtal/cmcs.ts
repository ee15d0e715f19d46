import type { Safetensors } from '../../data/safetensors.js';
import { FileFormatError } from '../../errors.js';
import { Conv1d } from '../../nn/conv.js';
import { Linear } from '../../nn/linear.js';
import { loaded, Module } from '../../nn/module.js';
import { add, mul } from '../../ops/binary.js';
import { matmul } from '../../ops/matmul.js';
import { transpose } from '../../ops/permute.js';
import { softmax } from '../../ops/softmax.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

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
  static async load(runtime: Runtime, checkpoint: Safetensors): Promise<Cmcs> {
    const model = new Cmcs(runtime, cmcsConfig(checkpoint));
    return loaded(model, checkpoint);
  }

  get channels(): number {
    return this.config.channels;
  }

  get classes(): number {
    return this.config.classes;
  }

  /** Features (B, T, channels) to the sequences of {@link CmcsOutputs}. */
  forward(features: Tensor): CmcsOutputs {
    return this.runtime.scope(() => {
      const [batch, steps] = features.shape as [number, number, number];
      const base = this.#base.forward(transpose(features, 1, 2));
      const scores = this.#branches.map(({ conv, head }) =>
        head.forward(transpose(conv.forward(base), 1, 2)),
      );
      const cas = mul(
        scores.reduce((sum, score) => add(sum, score)),
        1 / scores.length,
      );
      const evidence = this.#attentionHead.forward(transpose(this.#attentionConv.forward(base), 1, 2));
      const attention = softmax(evidence.reshape([batch, steps]));
      const pooled = matmul({ a: attention.reshape([batch, 1, steps]), b: cas });
      return { cas, attention, videoScores: softmax(pooled.reshape([batch, this.classes])) };
    });
  }
}

function cmcsConfig(checkpoint: Safetensors): CmcsConfig {
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
