import {
  checkArgument,
  checkArguments,
  integer,
  numberIn,
  onlyFields,
  optional,
  type Rule,
} from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import type { Conv1d } from '../../../nn/conv.js';
import { Dropout, dropRate } from '../../../nn/dropout.js';
import { constantInitial } from '../../../nn/initial.js';
import { Linear } from '../../../nn/linear.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { greater, mul, sub } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { transpose } from '../../../ops/array/permute.js';
import { max, mean } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { scaleShift, sigmoid, softplus } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LossParts } from '../../../training/training-task.js';
import { familyConv } from '../bases/filter-attention.js';
import { checkSnippets } from '../bases/snippets.js';
import { attentionNorm } from '../losses/attention-norm.js';
import { guide } from '../losses/guide.js';
import { snippetCount, topMean } from '../losses/top-snippets.js';

export interface KsmConfig {
  /** D: channels of the embeddings of video and text. */
  readonly width: number;
  /** Share that training drops of what each convolution gives; default .7. */
  readonly dropout?: number;
  /** The video's score of a class is the mean over its ⌊T / ratio⌋ most similar snippets; default 7. */
  readonly ratio?: number;
  /** Factor of the mean attention; default .8. */
  readonly norm?: number;
  /** Factor of the guide loss; default .8. */
  readonly guide?: number;
}

export const ksmRule: Rule<KsmConfig> = onlyFields<KsmConfig>({
  width: integer(1),
  dropout: optional(dropRate),
  ratio: optional(numberIn(1)),
  norm: optional(numberIn(0)),
  guide: optional(numberIn(0)),
});

/** Sizes that the data decide. */
export interface KsmSizes {
  /** Channels of the snippets, both modalities together. */
  readonly channels: number;
  /** K: the classes, and the background as the last. */
  readonly classes: number;
  /** E: numbers of a word vector. */
  readonly wordWidth: number;
}

export const ksmSizesRule: Rule<KsmSizes> = onlyFields<KsmSizes>({
  channels: integer(1),
  classes: integer(2),
  wordWidth: integer(1),
});

/** What is matched. */
export interface KeyOperands {
  /** f32 (B, K − 1, E): what key phrases say of each class of each video, see `keyVectors`. */
  readonly keys: Tensor;
  /** f32 (B, K − 1): 1 where the video has the class, else 0. */
  readonly labels: Tensor;
}

export interface KeyMatch {
  /** (B, T, K): how similar a snippet is to what is said of a class, the background as the last; logits. */
  readonly similarity: Tensor;
  /** (B, T): the attention, from 0 to 1. */
  readonly attention: Tensor;
}

/** Lower than every similarity. */
const lowest = -1e9;

/**
 * Key Semantic Matching of MLLM4WTAL (Zhang and Qi, arXiv:2411.08466): both modalities of a video, fused by convolutions, are
 * compared with what key phrases say of the classes. P = V · Tᵀ / √D is a class activation sequence, and the attention of a
 * snippet is sigmoid(the largest P among the video's classes).
 *
 * The paper's equations are not public. Ours: two convolutions of three snippets (as in Boosting-WTAL), the mean of frozen
 * word vectors and a linear layer for the text, and a learned word for the background.
 */
export class Ksm extends Module {
  readonly #fusion: readonly Conv1d[];
  readonly #dropout: Dropout;
  readonly #text: Linear;
  readonly #background: Parameter;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: KsmConfig,
    readonly sizes: KsmSizes,
  ) {
    checkArguments(
      'Ksm',
      { runtime, config, sizes },
      { runtime: anyRuntime, config: ksmRule, sizes: ksmSizesRule },
    );
    super(runtime);
    const { width, dropout = 0.7 } = config;
    this.#fusion = [
      this.child('fusion.0', familyConv(runtime, sizes.channels, width, 3)),
      this.child('fusion.1', familyConv(runtime, width, width, 3)),
    ];
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
    this.#text = this.child('text', new Linear(runtime, sizes.wordWidth, width));
    this.#background = this.parameter('background', [1, 1, sizes.wordWidth], constantInitial(0));
  }

  /** Snippets (B, T, channels) to their similarity with the classes. @throws ShapeError */
  forward(snippets: Tensor, { keys, labels }: KeyOperands): KeyMatch {
    const { width } = this.config;
    const { channels, classes, wordWidth } = this.sizes;
    checkSnippets('Ksm.forward', 'snippets', snippets, channels);
    const [batch, steps] = snippets.shape as [number, number, number];
    expectOperand('keys', keys, [batch, classes - 1, wordWidth]);
    expectOperand('labels', labels, [batch, classes - 1]);
    return this.runtime.scope(() => {
      let fused = transpose(snippets, 1, 2);
      for (const conv of this.#fusion) fused = this.#dropout.forward(conv.forward(fused));
      const background = broadcastTo(this.#background.tensor, [batch, 1, wordWidth]);
      const text = this.#text.forward(concat([keys, background], 1));
      const products = matmul({ a: text, b: fused });
      const similarity = scaleShift(transpose(products, 1, 2), 1 / Math.sqrt(width), 0);
      const ofVideo = greater(labels, 0).reshape([batch, 1, classes - 1]);
      const best = max(where(ofVideo, narrow(similarity, 2, 0, classes - 1), lowest), { axes: 2 });
      return { similarity, attention: sigmoid(best.reshape([batch, steps])) };
    });
  }

  /**
   * Its losses, each with its factor: the binary cross-entropy of the video's scores with its labels, the mean attention, and
   * the guide loss of CO2-Net.
   */
  losses({ similarity, attention }: KeyMatch, labels: Tensor): LossParts {
    const { ratio = 7, norm = 0.8, guide: guided = 0.8 } = this.config;
    return this.runtime.scope(() => ({
      match: videoMatch(similarity, labels, ratio),
      norm: scaleShift(attentionNorm([attention]), norm, 0),
      guide: scaleShift(guide(similarity, [attention]), guided, 0),
    }));
  }
}

/** Binary cross-entropy of the classes without the background, by their mean similarity of the best snippets. */
function videoMatch(similarity: Tensor, labels: Tensor, ratio: number): Tensor {
  const logits = topMean(similarity, snippetCount(similarity.shape[1]!, ratio));
  const ofClasses = narrow(logits, 1, 0, labels.shape[1]!);
  return mean(sub(softplus(ofClasses), mul(labels, ofClasses)));
}

/** @throws ShapeError, OptionError */
function expectOperand(name: string, x: Tensor, shape: readonly number[]): void {
  checkArgument('Ksm.forward', name, x, anyTensor);
  if (String(x.shape) === String(shape)) return;
  throw new ShapeError(`Ksm.forward: ${name} must be (${shape.join(', ')}), not ${x}`);
}
