import { normalInitial } from '../../../nn/initial.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { sub } from '../../../ops/array/binary.js';
import { embedding } from '../../../ops/array/gather.js';
import { maskedMean } from '../../../ops/array/masked-mean.js';
import { sum } from '../../../ops/array/reduce.js';
import { topK } from '../../../ops/array/topk.js';
import { scaleShift, square } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** Clips and words at the width of the model. */
export interface CodebookOperands {
  /** (B, T, d). */
  readonly video: Tensor;
  /** u32 (B, T). */
  readonly videoMask: Tensor;
  /** (B, L, d). */
  readonly text: Tensor;
  /** u32 (B, L). */
  readonly textMask: Tensor;
}

/** What a codebook has for videos and texts. */
export interface RetrievedCodes {
  /** (B, d): c, what the video shows and the text does not say. */
  readonly context: Tensor;
  /** u32 (B, D): the numbers of the nearest codes, the nearest first. */
  readonly ids: Tensor;
  /** (B, D, d): these codes. */
  readonly tokens: Tensor;
}

/**
 * MASRA's context-aware codebook (decoupled alignment interaction): K learned codes, of which a video with a text gets those
 * nearest to the context c = mean(clips) − mean(words), by ‖c − code‖². Gradients go through the codes that are retrieved, and
 * to the context through `codebookLoss` alone.
 */
export class Codebook extends Module {
  readonly #codes: Parameter;

  /** @param retrieved D, at most the K `codes` */
  constructor(
    runtime: Runtime,
    width: number,
    codes: number,
    readonly retrieved: number,
  ) {
    super(runtime);
    // Short codes are told apart by their direction; of long ones the shortest would be near to every context.
    this.#codes = this.parameter('codes', [codes, width], normalInitial(1 / Math.sqrt(width)));
  }

  /** (K, d). */
  get codes(): Tensor {
    return this.#codes.tensor;
  }

  forward({ video, videoMask, text, textMask }: CodebookOperands): RetrievedCodes {
    const codes = this.#codes.tensor;
    return this.runtime.scope(() => {
      const average = (x: Tensor, mask: Tensor) => maskedMean({ x, mask }, { axis: 1 });
      const context = sub(average(video, videoMask), average(text, textMask));
      const ids = this.#nearest(context);
      return { context, ids, tokens: embedding({ table: codes, ids }) };
    });
  }

  /** ‖c − code‖² = ‖c‖² − 2 c · code + ‖code‖², of which the first term is the same for all codes. */
  #nearest(context: Tensor): Tensor {
    const { runtime } = this;
    return runtime.withTape(undefined, () =>
      runtime.scope(() => {
        const codes = this.#codes.tensor;
        const products = scaleShift(matmul({ a: context, b: codes }, { transposeB: true }), 2, 0);
        return topK(sub(products, sum(square(codes), { axes: 1 })), this.retrieved).indices;
      }),
    );
  }
}
