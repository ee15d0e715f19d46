import { ShapeError } from '../../errors.js';
import { sameShape } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { sub } from '../array/binary.js';
import { cast } from '../array/cast.js';
import { mean } from '../array/reduce.js';
import { square } from '../array/unary.js';
import { checkOperands } from '../call.js';

export interface MeanSquaredErrorOperands {
  readonly prediction: Tensor;
  readonly target: Tensor;
}

/**
 * The mean of (prediction − target)² over all elements, one element, f32. Both are f32 or f16, of one shape: nothing is
 * broadcast. Computed in f32.
 * @throws ShapeError, DtypeError, OptionError
 */
export function meanSquaredError(operands: MeanSquaredErrorOperands): Tensor {
  checkOperands('meanSquaredError', operands, { prediction: 'required', target: 'required' });
  const { prediction, target } = operands;
  expectDtype(prediction, 'meanSquaredError: prediction', 'f32', 'f16');
  expectDtype(target, 'meanSquaredError: target', 'f32', 'f16');
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `meanSquaredError: target must have the shape of prediction ${prediction}, not ${target}`,
    );
  }
  return prediction.runtime.scope(() => mean(square(sub(inF32(prediction), inF32(target)))));
}

/** The tensor in f32, itself where it is that. */
export function inF32(x: Tensor): Tensor {
  return x.dtype === 'f32' ? x : cast(x, 'f32');
}
