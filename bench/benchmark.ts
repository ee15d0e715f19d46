import type { AnyCaseTable } from '../cases/index.js';
import type { HostTensors } from '../cases/support/case-table.js';
import { relativeError, rounded } from '../cases/support/host.js';
import { Random } from '../cases/support/random.js';
import { mapTensors, uploadInputs } from '../cases/support/tensors.js';
import { FeatureError } from '../src/errors.js';
import { sumErrorBound } from '../src/ops/long-sums.js';
import type { Runtime } from '../src/tensor/runtime.js';
import type { Tensor } from '../src/tensor/tensor.js';
import { type Contender, interleave } from './measure.js';
import type { BenchmarkRow } from './report.js';

/** One case of an operation, ready to run. */
export interface BenchmarkCase {
  readonly runtime: Runtime;
  readonly table: AnyCaseTable;
  readonly size: unknown;
  readonly storage: 'f32' | 'f16';
  readonly inputs: HostTensors;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own
  readonly options: any;
  readonly problem: unknown;
}

export interface BenchmarkOptions {
  readonly rounds: number;
  /** Contenders this many times slower than the fastest are timed once only. Default: none is left out. */
  readonly hopeless?: number;
  /** Other ways to do the same job. */
  others?(benchmark: BenchmarkCase): Promise<Contender[]>;
}

/**
 * Makes a case on the device, hands it to `body` and frees it.
 * @returns what `body` returns, or undefined where this adapter cannot hold the case
 */
export async function withCase<Result>(
  runtime: Runtime,
  table: AnyCaseTable,
  size: unknown,
  storage: 'f32' | 'f16',
  body: (benchmark: BenchmarkCase) => Promise<Result>,
): Promise<Result | undefined> {
  const made = table.make(size, new Random(1));
  const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, storage));
  const options = made.options ?? {};
  let tensors: BenchmarkCase['tensors'] = {};
  try {
    tensors = uploadInputs(runtime, inputs, storage);
    const problem = table.operation.spec.problem(tensors, options);
    return await body({ runtime, table, size, storage, inputs, tensors, options, problem });
  } catch (error) {
    if (!(error instanceof FeatureError)) throw error;
    console.log(`\n${table.operation.name}: ${JSON.stringify(size)}\nnot on this adapter: ${error.message}`);
    return undefined;
  } finally {
    for (const tensor of Object.values(tensors)) tensor?.dispose();
  }
}

/** Times every legal variant of a case and the others, in turn. */
export async function benchmark(
  subject: BenchmarkCase,
  { rounds, hopeless = Number.POSITIVE_INFINITY, others }: BenchmarkOptions,
): Promise<BenchmarkRow[]> {
  const { runtime, table, size, problem } = subject;
  const { operation } = table;
  const contenders = [
    ...operation.legalVariants(runtime.traits, problem).map(({ name }) => contenderOf(subject, name)),
    ...((await others?.(subject)) ?? []),
  ];
  const timings = await interleave(contenders, rounds, hopeless);
  for (const contender of contenders) contender.dispose?.();
  const chosen = operation.choose(runtime, problem).name;
  const flops = operation.spec.flops(problem);
  const bytes = operation.spec.bytes?.(problem) ?? movedBytes(subject);
  return contenders.map(({ name }) => ({
    operation: operation.name,
    size: size as BenchmarkRow['size'],
    contender: name,
    isDefault: name === chosen,
    timing: timings.get(name)!,
    flops,
    bytes,
    timesDefault: timings.get(name)!.median / timings.get(chosen)!.median,
  }));
}

function contenderOf({ runtime, table, tensors, options }: BenchmarkCase, variant: string): Contender {
  return {
    name: variant,
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        const outputs = table.operation.run(tensors, options, { runtime, variant }) as Record<string, Tensor>;
        for (const tensor of Object.values(outputs)) tensor.dispose();
      }
      await runtime.finish();
    },
  };
}

/** All inputs and outputs, once. */
function movedBytes({ table, tensors, problem }: BenchmarkCase): number {
  const outputs = Object.values(table.operation.spec.outputs(problem)) as {
    shape: number[];
    dtype: string;
  }[];
  const written = outputs.map(
    ({ shape, dtype }) => shape.reduce((a, b) => a * b, 1) * (dtype === 'f16' ? 2 : 4),
  );
  const read = Object.values(tensors).map((tensor) => tensor?.bytes ?? 0);
  return [...written, ...read].reduce((a, b) => a + b, 0);
}

/**
 * Whether a variant gives on this device what the last one, `plain`, gives: within twice the error bound of the tests
 * for reals, exactly for integers. A driver may compile one of them wrongly; the tuner must not choose that one.
 */
export async function agreesWithPlain(subject: BenchmarkCase, variant: string): Promise<boolean> {
  const { table, storage, problem } = subject;
  const { operation } = table;
  const plain = operation.spec.variants.at(-1)!.name;
  if (variant === plain) return true;
  const [answer, expected] = [await outputsOf(subject, variant), await outputsOf(subject, plain)];
  const exact = sumErrorBound(operation.spec.reduction(problem));
  const bound = 2 * (storage === 'f16' ? 2e-3 : exact) * (table.tolerance ?? 1);
  return Object.entries(expected).every(([name, values]) => {
    const own = answer[name]!;
    return values instanceof Float32Array
      ? relativeError(Float64Array.from(own), Float64Array.from(values)) <= bound
      : values.every((value, i) => own[i] === value);
  });
}

async function outputsOf({ runtime, table, tensors, options }: BenchmarkCase, variant: string) {
  const outputs = table.operation.run(tensors, options, { runtime, variant }) as Record<string, Tensor>;
  const read: Record<string, Awaited<ReturnType<Tensor['read']>>> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    read[name] = await tensor.read();
    tensor.dispose();
  }
  return read;
}
