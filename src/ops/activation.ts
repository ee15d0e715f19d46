import { number, oneOf, optional, type Rules } from '../arguments.js';

/** Numbers of the activation functions in kernels/lib/activation.wgsl. */
const codes = {
  none: 0,
  relu: 1,
  leaky_relu: 2,
  sigmoid: 3,
  tanh: 4,
  silu: 5,
  /** x Φ(x) with the exact normal distribution function. */
  gelu: 6,
  /** The tanh approximation of gelu. */
  gelu_tanh: 7,
  softplus: 8,
} as const;

/** An activation function that kernels can apply to their output. */
export type Activation = keyof typeof codes;

export const activations = Object.keys(codes) as readonly Activation[];

export interface ActivationOptions {
  /** Applied to the output; default `none`. */
  readonly activation?: Activation;
  /** Slope of `leaky_relu` for negative values; default 0.01. */
  readonly negativeSlope?: number;
}

export const activationRules: Rules<ActivationOptions> = {
  activation: optional(oneOf(...activations)),
  negativeSlope: optional(number),
};

/** The constants of kernels that import lib/activation.wgsl. */
export interface ActivationConstants {
  readonly ACTIVATION: number;
  /** Absent unless used, so that the kernels of the other activations are shared. */
  readonly NEGATIVE_SLOPE?: number;
}

export function activationConstants({
  activation = 'none',
  negativeSlope = 0.01,
}: ActivationOptions): ActivationConstants {
  if (activation !== 'leaky_relu') return { ACTIVATION: codes[activation] };
  return { ACTIVATION: codes.leaky_relu, NEGATIVE_SLOPE: negativeSlope };
}
