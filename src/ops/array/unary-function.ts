import { anyNumber, oneOf, optional, type Rules } from '../../arguments.js';
import {
  type Activation,
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
  activations,
} from '../activation.js';

/** Numbers of the functions in kernels/lib/unary.wgsl; 0 is the activation function. */
const numbers = {
  neg: 1,
  abs: 2,
  /** -1, 0 or 1. */
  sign: 3,
  square: 4,
  sqrt: 5,
  /** 1 / sqrt(x). */
  rsqrt: 6,
  reciprocal: 7,
  exp: 8,
  log: 9,
  sin: 10,
  cos: 11,
  /** Limited to [p, q]. */
  clamp: 12,
  /** x p + q. */
  scaleShift: 13,
  floor: 14,
  /** Halves to even. */
  round: 15,
} as const;

export type UnaryFunction = keyof typeof numbers | Exclude<Activation, 'none'>;

export const unaryFunctions = [
  ...Object.keys(numbers),
  ...activations.filter((name) => name !== 'none'),
] as readonly UnaryFunction[];

export interface UnaryOptions extends Pick<ActivationOptions, 'negativeSlope'> {
  readonly function: UnaryFunction;
  /** Parameters of `clamp` and `scaleShift`. */
  readonly p?: number;
  readonly q?: number;
}

export const unaryRules: Rules<UnaryOptions> = {
  function: oneOf(...unaryFunctions),
  negativeSlope: activationRules.negativeSlope,
  p: optional(anyNumber),
  q: optional(anyNumber),
};

/** The constants of kernels that import lib/unary.wgsl. */
export type UnaryConstants = ActivationConstants & { readonly FUNCTION: number };

export function unaryConstants({ function: name, negativeSlope }: UnaryOptions): UnaryConstants {
  const own = Object.hasOwn(numbers, name) ? (name as keyof typeof numbers) : undefined;
  const activation = own ? 'none' : (name as Activation);
  const slope = negativeSlope === undefined ? {} : { negativeSlope };
  return { FUNCTION: own ? numbers[own] : 0, ...activationConstants({ activation, ...slope }) };
}
