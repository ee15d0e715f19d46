import type { Arbitrary } from 'fast-check';
import type { AnyOperation } from '../../src/ops/op.js';
import type { HostTensor } from './host.js';
import type { Random } from './random.js';

/** The library of random sizes, which the tests hand in: an installed package is without it. */
export type FastCheck = typeof import('fast-check').default;

export type HostTensors = Readonly<Record<string, HostTensor | undefined>>;

/** The operands and options of one run of an operation. */
export interface HostCase {
  readonly inputs: HostTensors;
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
  readonly options?: any;
}

/**
 * The cases of one operation: one table drives the kernel tests, the benchmarks and the self-test.
 * `Size` is a small plain object (sizes and flags) from which a case is made; it is what a failing test
 * prints.
 */
export interface CaseTable<Size> {
  readonly operation: AnyOperation;
  /** Chosen sizes: ones, odd ones, sizes around the tile edges of every variant, each option. */
  readonly sizes: readonly Size[];
  /** Sizes with sums of about a million terms, odd ones among them: what adds them up one by one misses the bound. */
  readonly long?: readonly Size[];
  /** Fresh random sizes, small enough for a software driver. Only tests have fast-check. */
  readonly random: (fc: FastCheck) => Arbitrary<Size>;
  /** Real sizes, for `npm run bench`. */
  readonly benchmarks?: readonly Size[];
  /** Real sizes that take a GPU. */
  readonly gpuBenchmarks?: readonly Size[];
  /** Storage types to test; default f32 and f16. */
  readonly storages?: readonly ('f32' | 'f16')[];
  make(size: Size, random: Random): HostCase;
  /** The double-precision answer; an output that is left out is not compared (then `verify` must). */
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
  reference(inputs: any, options: any, size: Size): Readonly<Record<string, HostTensor>>;
  /** The answers stored for `tal doctor` where `reference` leaves outputs to `verify`. */
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
  selfTestAnswers?(inputs: any, options: any, size: Size): Readonly<Record<string, HostTensor>>;
  /** Times the error bound of the design (`sumErrorBound` in f32, 2e-3 in f16); give a reason beside it. */
  readonly tolerance?: number;
  /** Times the bound on the error of the gradient (4e-6 √reduction, at least 2e-5); give a reason beside it. */
  readonly gradientTolerance?: number;
  /** Operands whose gradient is not compared; give a reason beside it. */
  constants?(size: Size): readonly string[];
  /** Further properties of the outputs; throws where one does not hold. */
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own options
  verify?(outputs: Record<string, HostTensor>, inputs: any, options: any, size: Size): void;
}
