import { checkArgument } from '../arguments.js';
import { greater, mul } from '../ops/array/binary.js';
import { cast } from '../ops/array/cast.js';
import { where } from '../ops/array/where.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { constantInitial } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Module } from './module.js';

/**
 * x where it is positive, else a · x with one learned slope a, `weight` (1), which starts at 0.25 (He et al.,
 * arXiv:1502.01852; PyTorch's `nn.PReLU`).
 */
export class PRelu extends Module {
  readonly #weight;

  constructor(runtime: Runtime) {
    checkLayer('PRelu', runtime, {});
    super(runtime);
    this.#weight = this.parameter('weight', [1], constantInitial(0.25));
  }

  /** (…), f32 or f16, to the same. */
  forward(x: Tensor): Tensor {
    checkArgument('pRelu', 'x', x, anyTensor);
    const { tensor } = this.#weight;
    return this.runtime.scope(() =>
      where(greater(x, 0), x, mul(x, x.dtype === 'f32' ? tensor : cast(tensor, x.dtype))),
    );
  }
}
