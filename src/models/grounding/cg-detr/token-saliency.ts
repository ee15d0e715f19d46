import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** How well clips m agree with the saliency token g: (W₁ m) · (W₂ g) / √d (QD-DETR). */
export class TokenSaliency extends Module {
  readonly #clips: Linear;
  readonly #token: Linear;

  constructor(
    runtime: Runtime,
    readonly width: number,
  ) {
    super(runtime);
    this.#clips = this.child('saliency_proj1', new Linear(runtime, width, width));
    this.#token = this.child('saliency_proj2', new Linear(runtime, width, width));
  }

  /** Clips (B, T, d) and a token (B, 1, d) to (B, T). */
  forward(clips: Tensor, token: Tensor): Tensor {
    return this.runtime.scope(() => {
      const products = matmul(
        { a: this.#clips.forward(clips), b: this.#token.forward(token) },
        { transposeB: true },
      );
      return scaleShift(products, 1 / Math.sqrt(this.width), 0).reshape(clips.shape.slice(0, 2));
    });
  }
}
