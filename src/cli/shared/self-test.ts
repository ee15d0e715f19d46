import { sumErrorBound } from '../../ops/long-sums.js';
import type { AnyOperation } from '../../ops/op.js';
import { operations } from '../../ops/operations.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { StoredCase } from './self-test-cases.js';

/** How one variant of one operation did. */
export interface SelfTestResult {
  readonly operation: string;
  readonly variant: string;
  /** Undefined where the answer was right. */
  readonly fault: string | undefined;
}

export interface SelfTestOptions {
  /** One case of each operation only, with the variant that a call would take on this device. */
  readonly quick?: boolean;
  /** Called before a case is run with a variant. */
  readonly onStart?: (operation: string, variant: string) => void;
}

/** Runs every stored case with every variant that is legal on this device. The cases of an operation follow each other. */
export async function* selfTest(
  runtime: Runtime,
  cases: readonly StoredCase[],
  { quick = false, onStart }: SelfTestOptions = {},
): AsyncGenerator<SelfTestResult> {
  for (const [i, stored] of cases.entries()) {
    if (quick && stored.operation === cases[i - 1]?.operation) continue;
    const operation = operations.find(({ name }) => name === stored.operation);
    if (!operation) continue;
    const inputs = Object.fromEntries(
      Object.entries(stored.inputs).map(([name, tensor]) => [
        name,
        runtime.tensor(tensor.data, tensor.shape, tensor.dtype),
      ]),
    );
    const problem = operation.spec.problem(inputs, stored.options);
    const variants = quick
      ? [operation.choose(runtime, problem)]
      : operation.legalVariants(runtime.traits, problem);
    for (const { name: variant } of variants) {
      onStart?.(operation.name, variant);
      const fault = await runCase(runtime, operation, variant, inputs, stored).catch(
        (error: Error) => error.message,
      );
      yield { operation: operation.name, variant, fault };
    }
    for (const tensor of Object.values(inputs)) tensor.dispose();
  }
}

async function runCase(
  runtime: Runtime,
  operation: AnyOperation,
  variant: string,
  inputs: Record<string, Tensor>,
  stored: StoredCase,
): Promise<string | undefined> {
  const outputs = operation.run(inputs, stored.options, { runtime, variant }) as Record<string, Tensor>;
  const reduction = operation.spec.reduction(operation.spec.problem(inputs, stored.options));
  const bound = sumErrorBound(reduction) * stored.tolerance;
  let fault: string | undefined;
  for (const [name, tensor] of Object.entries(operation.written(inputs, outputs))) {
    if (!tensor) continue;
    const actual = await tensor.read();
    tensor.dispose();
    const expected = stored.outputs[name];
    if (!expected) continue;
    const error = relativeError(actual, expected.data);
    if (!(error <= (expected.dtype === 'f32' ? bound : 0)))
      fault ??= `${name} is off by ${error.toExponential(1)}`;
  }
  return fault;
}

/** Beyond this a number is a sentinel: "no score". It must be exact and would drown all others in a norm. */
const sentinel = 1e38;

/** ‖actual − expected‖ / ‖expected‖, sentinels left out where they are right. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i]!;
    if (actual[i] !== want) difference += (actual[i]! - want) ** 2;
    if (Math.abs(want) < sentinel) norm += want ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
