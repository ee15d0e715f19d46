import unaryPlainKernel from '../../../kernels/array/unary_plain.wgsl.js';
import unaryVectorKernel from '../../../kernels/array/unary_vector.wgsl.js';
import { anyNumber, checkArgument, checkFields, flag, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { unitsEach } from './elements.js';
import {
  type UnaryConstants,
  type UnaryFunction,
  type UnaryOptions,
  unaryConstants,
  unaryRules,
} from './unary-function.js';

interface UnaryProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly constants: UnaryConstants;
  readonly p: number;
  readonly q: number;
}

export const unaryOperation = defineOperation<{ x: Tensor }, UnaryOptions, UnaryProblem, { output: Tensor }>({
  name: 'unary',
  operands: { x: 'required' },
  options: unaryRules,
  problem({ x }, options) {
    expectDtype(x, 'x', 'f32', 'f16');
    const { p = 0, q = 0 } = options;
    return { shape: x.shape, dtype: x.dtype, constants: unaryConstants(options), p, q };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { shape }) => sizeOf(shape) % 4 === 0,
      run(runtime, { x }, { output }, { constants, dtype, p, q }) {
        const count = x.size / 4;
        runtime.launch({
          kernel: unaryVectorKernel,
          constants: { ...constants, ITEMS: unitsEach(runtime.traits), Element: dtype },
          buffers: { x, out: output },
          params: { count, p, q },
          workgroups: spread(count, workgroupSize * unitsEach(runtime.traits)),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { constants, dtype, p, q }) {
        runtime.launch({
          kernel: unaryPlainKernel,
          constants: { ...constants, Element: dtype },
          buffers: { x, out: output },
          params: { count: x.size, p, q },
          workgroups: spread(x.size),
        });
      },
    },
  ],
  flops: ({ shape }) => sizeOf(shape),
  reduction: () => 1,
});

/** All of the functions below take f32 or f16 and give the same shape and type. @throws DtypeError */
function unary(
  name: UnaryFunction,
  x: Tensor,
  options: Omit<UnaryOptions, 'function'> = {},
  as: string = name,
): Tensor {
  return unaryOperation.run({ x }, { function: name, ...options }, { as }).output;
}

/** −x. */
export function neg(x: Tensor): Tensor {
  return unary('neg', x);
}

/** |x|. */
export function abs(x: Tensor): Tensor {
  return unary('abs', x);
}

/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return unary('sign', x);
}

/** x². */
export function square(x: Tensor): Tensor {
  return unary('square', x);
}

/** √x. */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', x);
}

/** 1 / √x. */
export function rsqrt(x: Tensor): Tensor {
  return unary('rsqrt', x);
}

/** 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  return unary('reciprocal', x);
}

/** eˣ. */
export function exp(x: Tensor): Tensor {
  return unary('exp', x);
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return unary('log', x);
}

/** Sine; accurate for |x| up to 10⁴. */
export function sin(x: Tensor): Tensor {
  return unary('sin', x);
}

/** Cosine; accurate for |x| up to 10⁴. */
export function cos(x: Tensor): Tensor {
  return unary('cos', x);
}

/** x limited to [low, high]. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  checkArgument('clamp', 'low', low, anyNumber);
  checkArgument('clamp', 'high', high, anyNumber);
  if (!(low <= high)) throw new OptionError(`clamp: low must be at most high, not ${low} and ${high}`);
  return unary('clamp', x, { p: low, q: high });
}

/** x · scale + shift. */
export function scaleShift(x: Tensor, scale: number, shift: number): Tensor {
  checkArgument('scaleShift', 'scale', scale, anyNumber);
  checkArgument('scaleShift', 'shift', shift, anyNumber);
  return unary('scaleShift', x, { p: scale, q: shift });
}

/** The largest integer that is at most x. Its gradient is 0. */
export function floor(x: Tensor): Tensor {
  return unary('floor', x);
}

/** The nearest integer, of two the even one (PyTorch's and NumPy's `round`). Its gradient is 0. */
export function round(x: Tensor): Tensor {
  return unary('round', x);
}

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return unary('relu', x);
}

/** x where it is positive, else x · negativeSlope. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return unary('leaky_relu', x, { negativeSlope }, 'leakyRelu');
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x);
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x);
}

/** x · sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return unary('silu', x);
}

export interface GeluOptions {
  readonly approximate?: boolean;
}

/** x Φ(x), with the normal distribution function or, with `approximate`, its tanh approximation. */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkFields('gelu', options, { approximate: optional(flag) });
  return unary(options.approximate ? 'gelu_tanh' : 'gelu', x, {}, 'gelu');
}

/** log(1 + eˣ). */
export function softplus(x: Tensor): Tensor {
  return unary('softplus', x);
}
