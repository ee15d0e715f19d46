import { kaimingUniform, uniformWithin } from '../../../nn/initial.js';
import { Linear } from '../../../nn/linear.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { add } from '../../../ops/array/binary.js';
import { permute, transpose } from '../../../ops/array/permute.js';
import { softmax } from '../../../ops/array/softmax.js';
import { gelu, tanh } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * Cross-modal attention of several heads. In each, the snippets of both modalities are projected to directions r_t and f_s of
 * channels / heads numbers; M being learned, r_tᵀ M f_s says how snippet t of one modality and s of the other belong together.
 * Each modality gathers its own directions by the softmax of that over the snippets of the other, and is tanh(x + GELU(gathered)).
 * Heads stand side by side.
 *
 * The paper of ActionDiff's sibling names it only. This form is that of multi-head cross-modal attention for this task
 * (PRICAI 2022) as the family has it, but for two things: heads are joined in their order (the released code mixes channels and
 * snippets there), and the projections begin as Kaiming's, which makes no difference to the directions at first.
 */
export class CrossModalHeads extends Module {
  readonly #rgb: Linear;
  readonly #flow: Linear;
  readonly #match: Parameter;

  /** @param channels of each modality, a multiple of `heads` */
  constructor(runtime: Runtime, channels: number, heads: number) {
    super(runtime);
    const size = channels / heads;
    const options = { bias: false, initial: kaimingUniform(channels) };
    this.#rgb = this.child('rgb', new Linear(runtime, channels, channels, options));
    this.#flow = this.child('flow', new Linear(runtime, channels, channels, options));
    this.#match = this.parameter('match', [heads, size, size], uniformWithin(Math.sqrt(size)));
  }

  /** Two modalities (B, channels, T) to the same shapes. */
  forward(rgb: Tensor, flow: Tensor): [Tensor, Tensor] {
    return this.runtime.scope(() => {
      const [batch, , steps] = rgb.shape as [number, number, number];
      const [heads, size] = this.#match.shape as [number, number, number];
      const rows = [transpose(rgb, 1, 2), transpose(flow, 1, 2)] as const;
      /** (heads, B, T, size), of length 1. */
      const directions = (layer: Linear, x: Tensor) =>
        l2Normalize(permute(layer.forward(x).reshape([batch, steps, heads, size]), [2, 0, 1, 3]));
      const ofRgb = directions(this.#rgb, rows[0]);
      const ofFlow = directions(this.#flow, rows[1]);
      const turned = matmul({ a: ofRgb.reshape([heads, batch * steps, size]), b: this.#match.tensor });
      const matches = matmul({ a: turned.reshape(ofRgb.shape), b: ofFlow }, { transposeB: true });
      const gathered = (matches: Tensor, own: Tensor, x: Tensor) => {
        const found = gelu(matmul({ a: softmax(matches), b: own }));
        const sideBySide = permute(found, [1, 2, 0, 3]).reshape(x.shape);
        return transpose(tanh(add(sideBySide, x)), 1, 2);
      };
      return [gathered(matches, ofRgb, rows[0]), gathered(transpose(matches, 2, 3), ofFlow, rows[1])];
    });
  }
}
