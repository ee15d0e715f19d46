import { cast } from '../ops/array/cast.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { Linear, type LinearOptions } from './linear.js';
import { QuantizedLinear } from './quantized-linear.js';
import type { WeightDtype } from './stored-weight.js';
import { numberDtype, quantizedBits, type WeightStorage } from './weight-storage.js';

/** Makes the linear layers of a model, whose matrices are all stored in one way, and what these layers take. */
export class LinearFactory {
  /** Of the products, their biases, and matrices that are not quantised. */
  readonly dtype: WeightDtype;

  constructor(
    readonly runtime: Runtime,
    readonly weights: WeightStorage,
  ) {
    this.dtype = numberDtype(weights, runtime.traits);
  }

  /** A layer that starts as a `Linear` does. */
  linear(
    inputs: number,
    outputs: number,
    options: Omit<LinearOptions, 'dtype'> = {},
  ): Linear | QuantizedLinear {
    const { runtime, dtype } = this;
    const bits = quantizedBits(this.weights);
    return bits
      ? new QuantizedLinear(runtime, inputs, outputs, { ...options, dtype, bits })
      : new Linear(runtime, inputs, outputs, { ...options, dtype });
  }

  /** What the layers take of f32 numbers. */
  input(x: Tensor): Tensor {
    return x.dtype === this.dtype ? x : cast(x, this.dtype);
  }
}
