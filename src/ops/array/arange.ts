import {
  checkArgument,
  checkFields,
  integer,
  number,
  optional,
  type Rules,
  rule,
  uint32,
} from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { anyDtype, type Dtype } from '../../tensor/dtype.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface ArangeOptions {
  /** The first number. Default: 0. */
  readonly start?: number | undefined;
  /** What the numbers stay below (above, where `step` is negative). */
  readonly end: number;
  /** From one number to the next. Default: 1. */
  readonly step?: number | undefined;
  /** Default: f32. */
  readonly dtype?: Dtype | undefined;
}

const floatRules: Rules<ArangeOptions> = {
  start: optional(number),
  end: number,
  step: optional(
    rule<number>('a finite number other than 0', (value) => Number.isFinite(value) && value !== 0),
  ),
  dtype: optional(anyDtype),
};

const [least, most] = [-(2 ** 31), 2 ** 31 - 1];
const integerRules: Readonly<Record<'i32' | 'u32', Rules<ArangeOptions>>> = {
  i32: {
    ...floatRules,
    start: optional(integer(least, most)),
    end: integer(least - 1, most + 1),
    step: optional(
      rule<number>('an integer other than 0', (value) => Number.isSafeInteger(value) && value !== 0),
    ),
  },
  u32: {
    ...floatRules,
    start: optional(uint32),
    end: integer(-1, 2 ** 32),
    step: optional(
      rule<number>('an integer other than 0', (value) => Number.isSafeInteger(value) && value !== 0),
    ),
  },
};

/**
 * The numbers `start`, `start + step`, … before `end`, (⌈(end − start) / step⌉): PyTorch's and NumPy's `arange`. They are
 * computed on the host in double precision.
 * @throws ShapeError where there is none
 * @throws OptionError
 */
export function arange(runtime: Runtime, options: ArangeOptions): Tensor {
  checkArgument('arange', 'runtime', runtime, anyRuntime);
  checkFields('arange', options, floatRules);
  const { start = 0, end, step = 1, dtype = 'f32' } = options;
  if (dtype === 'i32' || dtype === 'u32') checkFields('arange', options, integerRules[dtype]);
  const count = Math.ceil((end - start) / step);
  if (!(count >= 1)) {
    throw new ShapeError(`arange: there is no number from start ${start} to end ${end} in steps of ${step}`);
  }
  return runtime.tensor(
    Float64Array.from({ length: count }, (_, i) => start + i * step),
    [count],
    dtype,
  );
}
