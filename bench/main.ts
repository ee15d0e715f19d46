import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { FeatureError } from '../src/errors.js';
import { Runtime } from '../src/tensor/runtime.js';
import { type AnyCaseTable, caseTables } from '../test/cases/index.js';
import { rounded } from '../test/support/host.js';
import { mapTensors, uploadInputs } from '../test/support/operation.js';
import { Random } from '../test/support/random.js';
import { alternatives } from './alternatives.js';
import { measureCeilings } from './ceilings.js';
import { closeGpuJs, lendNavigator } from './gpu-js.js';
import { type Contender, interleave } from './measure.js';
import { type BenchmarkRow, describeDevice, printHeader, printRows } from './report.js';

interface Options {
  only: readonly string[];
  rounds: number;
  storage: 'f32' | 'f16';
  json: string;
  alternatives: boolean;
}

function names(text: string): string[] {
  const known = caseTables.map(({ operation }) => operation.name);
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no ${unknown[0]}; there are ${known.join(', ')}.`);
  return wanted;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1');
  return value;
}

const options = new Command('npm run bench --')
  .description('Times every operation at real sizes: each legal variant, the C++ reference, and gpu.js.')
  .option('--only <names>', 'only these operations, separated by commas', names, [])
  .option('--rounds <n>', 'interleaved rounds; medians are of this many samples', wholeNumber, 7)
  .option('--storage <dtype>', 'f32 or f16', 'f32')
  .option('--no-alternatives', 'only this package')
  .option('--json <file>', 'where the results go', 'bench/results/latest.json')
  .parse()
  .opts<Options>();

const runtime = await Runtime.create();
try {
  if (options.alternatives) await lendNavigator();
  const ceilings = await measureCeilings(runtime, options.rounds);
  printHeader(runtime, ceilings);
  const rows: BenchmarkRow[] = [];
  // After each size, so that an interrupted run keeps what it has measured.
  const save = async (): Promise<void> => {
    await mkdir(dirname(options.json), { recursive: true });
    const results = { device: describeDevice(runtime), storage: options.storage, ceilings, rows };
    await writeFile(options.json, `${JSON.stringify(results, undefined, 1)}\n`);
  };
  for (const table of caseTables) {
    if (options.only.length > 0 && !options.only.includes(table.operation.name)) continue;
    for (const size of table.benchmarks ?? []) {
      const measured = await benchmark(table, size).catch((error: unknown) => {
        if (!(error instanceof FeatureError)) throw error;
        console.log(
          `\n${table.operation.name}: ${JSON.stringify(size)}\nnot on this adapter: ${error.message}`,
        );
      });
      if (!measured) continue;
      printRows(measured, ceilings);
      rows.push(...measured);
      await save();
    }
  }
  console.log(`\n${rows.length} rows written to ${options.json}`);
} finally {
  runtime.destroy();
  await closeGpuJs();
}

/** Times one size of one operation: all its legal variants, the default first, and the alternatives. */
async function benchmark(table: AnyCaseTable, size: unknown): Promise<BenchmarkRow[]> {
  const { operation } = table;
  const made = table.make(size, new Random(1));
  const inputs = mapTensors(made.inputs, (tensor) => rounded(tensor, options.storage));
  const settings = made.options ?? {};
  const tensors = uploadInputs(runtime, inputs, options.storage);
  const problem = operation.spec.problem(tensors, settings);
  const chosen = operation.choose(runtime.traits, problem).name;
  const contenders: Contender[] = operation
    .legalVariants(runtime.traits, problem)
    .map(({ name: variant }) => ({
      name: variant,
      async run(repeats) {
        for (let i = 0; i < repeats; i++) {
          const outputs = operation.run(tensors, settings, { runtime, variant });
          for (const tensor of Object.values(outputs)) (tensor as { dispose(): void }).dispose();
        }
        await runtime.finish();
      },
    }));
  if (options.alternatives) {
    contenders.push({
      name: 'C++ reference',
      async run(repeats) {
        for (let i = 0; i < repeats; i++) (table.selfTestAnswers ?? table.reference)(inputs, settings, size);
      },
    });
    contenders.push(...(await alternatives(operation.name, runtime, inputs, tensors, settings)));
  }
  const timings = await interleave(contenders, options.rounds);
  const flops = operation.spec.flops(problem);
  const bytes = operation.spec.bytes?.(problem) ?? movedBytes();
  for (const contender of contenders) contender.dispose?.();
  for (const tensor of Object.values(tensors)) tensor?.dispose();
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

  /** All inputs and outputs, once. */
  function movedBytes(): number {
    const outputs = Object.values(operation.spec.outputs(problem)) as { shape: number[]; dtype: string }[];
    const written = outputs.map(
      ({ shape, dtype }) => shape.reduce((a, b) => a * b, 1) * (dtype === 'f16' ? 2 : 4),
    );
    const read = Object.values(tensors).map((tensor) => tensor?.bytes ?? 0);
    return [...written, ...read].reduce((a, b) => a + b, 0);
  }
}
