import { Conv2d } from '../../nn/conv.js';
import { Linear } from '../../nn/linear.js';
import { Lstm } from '../../nn/lstm.js';
import { Module } from '../../nn/module.js';
import { mul } from '../../ops/array/binary.js';
import { maskedMean } from '../../ops/array/masked-mean.js';
import { l2Normalize } from '../../ops/norm/l2-normalize.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { MapDiffusionConfig } from './config.js';

/** The words of a batch of queries. */
export interface Words {
  /** (Q, L, size) f32: a vector a word, zeros after the last. */
  readonly vectors: Tensor;
  /** (Q, L) u32: 1 for words. */
  readonly mask: Tensor;
  /** (Q) u32: words of each query. */
  readonly counts: Tensor;
}

/**
 * Fuses sentences and moments (MS-2D-TAN, MulNormFusion): the mean state of a bidirectional LSTM over the words, times
 * the feature of each moment, both after a linear layer; then divided by its norm.
 */
export class Fusion extends Module {
  readonly #lstm: Lstm;
  readonly #sentence: Linear;
  readonly #moments: Conv2d;
  readonly #packed: boolean;

  constructor(runtime: Runtime, { words, hidden }: MapDiffusionConfig) {
    super(runtime);
    this.#packed = words.packed;
    const { layers, size } = words;
    this.#lstm = this.child(
      'textual_encoder',
      new Lstm(runtime, size, words.hidden, { layers, bidirectional: true }),
    );
    this.#sentence = this.child('tex_linear', new Linear(runtime, 2 * words.hidden, hidden));
    this.#moments = this.child('vis_conv', new Conv2d(runtime, hidden, hidden, 1));
  }

  /** The words to a sentence feature (Q, d_F). */
  sentence({ vectors, mask, counts }: Words): Tensor {
    return this.runtime.scope(() => {
      const { output } = this.#lstm.forward(vectors, this.#packed ? { lengths: counts } : {});
      return this.#sentence.forward(maskedMean({ x: output, mask }, { axis: 1 }));
    });
  }

  /** Feature maps (V, d_F, rows, A) of the videos, projected: what is the same for all queries of a video. */
  moments(map: Tensor): Tensor {
    return this.#moments.forward(map);
  }

  /** Sentences (Q, d_F), projected maps (Q, d_F, rows, A) and their mask (Q, 1, rows, A) to F^F of one scale. */
  fuse(sentence: Tensor, map: Tensor, mask: Tensor): Tensor {
    const [queries, hidden] = sentence.shape as [number, number];
    return this.runtime.scope(() =>
      mul(l2Normalize(mul(map, sentence.reshape([queries, hidden, 1, 1])), { axis: 1 }), mask),
    );
  }
}
