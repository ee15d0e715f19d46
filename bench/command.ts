import { type Command, InvalidArgumentError, Option } from 'commander';
import { caseTables } from '../cases/index.js';
import { whole } from '../src/cli/options/arguments.js';
import { checkOutputs } from '../src/cli/shared/outputs.js';
import { isStream, writeWhole } from '../src/data/files/output-file.js';
import { OptionError } from '../src/errors.js';
import { Runtime } from '../src/tensor/runtime.js';
import { Tuning } from '../src/tensor/tuning.js';
import { ensureTuningStore, loadTuning, saveTuning } from '../src/tensor/tuning-store.js';
import { type BenchmarkOptions, benchmark, withCase } from './benchmark.js';
import { measureCeilings } from './ceilings.js';
import { measureHostTime, printHostTime } from './host-time.js';
import { measureLayer, printLayerTime } from './layer-time.js';
import type { TunedCase } from './report.js';
import { type BenchmarkRow, describeDevice, printHeader, printRows, printTuned } from './report.js';
import { measureStartUp, printStartUp } from './start-up.js';
import { tuneCase } from './tune.js';

/** What `tal bench` and `npm run bench` both take. */
export interface BenchOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly storage: 'f32' | 'f16';
  readonly json?: string;
  readonly tune?: boolean;
  readonly hostTime?: boolean;
  readonly startUp?: boolean;
  readonly layer?: boolean;
}

/** `alsoKnown` are names that `--only` may have beside those of the operations. */
export function addBenchOptions(command: Command, alsoKnown: readonly string[] = []): Command {
  return command
    .option('--only <names>', 'only these operations, separated by commas', namesAmong(alsoKnown), [])
    .option('--rounds <n>', 'interleaved rounds; medians are of this many samples', whole(1), 7)
    .addOption(new Option('--storage <dtype>', 'type of the operands').choices(['f32', 'f16']).default('f32'))
    .option('--json <file>', 'write the results there')
    .option(
      '--tune',
      'find the fastest variant for each size and keep the choice in the cache of this user for this adapter and driver',
    )
    .option('--host-time', 'what a denoising step costs the host, recorded anew and replayed')
    .option(
      '--layer',
      'a layer of LLaDA 8B with its weights stored in each way, and what a whole step would take',
    )
    .option('--start-up', 'how long a process takes to its first result, and with what');
}

/** Times every operation at real sizes, or tunes them. */
export async function bench(options: BenchOptions, others?: BenchmarkOptions['others']): Promise<void> {
  // Before the work, not after it.
  const { rounds, storage, json } = options;
  await checkOutputs({ '--json': json });
  // Before this process has a device: one that is open keeps the driver awake for those that start.
  const startUp = options.startUp && {
    warm: await measureStartUp(rounds, false),
    cold: await measureStartUp(rounds, true),
  };
  // The defaults are measured against the rest, so a tuning of before must not be one of them.
  const runtime = await Runtime.create(options.tune ? { tuning: new Tuning() } : {});
  const save = async (results: object) => {
    const report = { device: describeDevice(runtime), ...results };
    if (json !== undefined) await writeWhole(json, `${JSON.stringify(report, undefined, 1)}\n`);
  };
  // After each case, so that an interrupted run keeps what it has measured; a stream takes one document only.
  const saveSoFar = json !== undefined && (await isStream(json)) ? async () => {} : save;
  try {
    if (startUp) {
      printStartUp('shaders in the cache of the driver', startUp.warm);
      printStartUp('no shader compiled before', startUp.cold);
      return await save({ startUp });
    }
    if (options.hostTime) {
      const hostTime = await measureHostTime(runtime, 10 * rounds);
      printHostTime(hostTime);
      return await save({ hostTime });
    }
    if (options.layer) {
      const layer = await measureLayer(runtime, rounds);
      printLayerTime(layer);
      return await save({ layer });
    }
    const ceilings = await measureCeilings(runtime, rounds);
    printHeader(runtime, ceilings);
    if (options.tune) {
      await ensureTuningStore(runtime.traits);
      const tuned = await tune(runtime, options, (tuned) => saveSoFar({ storage, ceilings, tuned }));
      return await save({ storage, ceilings, tuned });
    }
    const rows: BenchmarkRow[] = [];
    for (const { table, size } of chosenCases(runtime, options)) {
      const measured = await withCase(runtime, table, size, storage, (subject) =>
        benchmark(subject, { rounds, ...(others && { others }) }),
      );
      if (!measured) continue;
      printRows(measured, ceilings);
      rows.push(...measured);
      await saveSoFar({ storage, ceilings, rows });
    }
    await save({ storage, ceilings, rows });
    console.log(`\n${rows.length} rows${json === undefined ? '' : ` written to ${json}`}`);
  } finally {
    runtime.destroy();
  }
}

/** Stored after each case: an interrupted tuning is not lost. */
async function tune(
  runtime: Runtime,
  options: BenchOptions,
  save: (tuned: readonly TunedCase[]) => unknown,
): Promise<readonly TunedCase[]> {
  const tuning = loadTuning(runtime.traits);
  const tuned: TunedCase[] = [];
  let file = '';
  for (const { table, size } of chosenCases(runtime, options)) {
    const found = await tuneCase(runtime, tuning, table, size, options.storage, options.rounds);
    if (!found) continue;
    printTuned(found);
    tuned.push(found);
    file = await saveTuning(runtime.traits, tuning);
    await save(tuned);
  }
  const worst = Math.max(1, ...tuned.map(({ gain }) => gain));
  const slow = tuned.filter(({ gain }) => gain > 1.2).length;
  console.log(
    `\n${tuned.length} cases tuned; the untuned choice was over 20 % slower in ${slow}, at most ${worst.toFixed(2)} times` +
      (file && `\nkept in ${file}`),
  );
  return tuned;
}

function chosenCases({ traits }: Runtime, { only }: BenchOptions) {
  const cases = caseTables
    .filter(({ operation }) => only.length === 0 || only.includes(operation.name))
    .flatMap((table) => {
      const { benchmarks = [], gpuBenchmarks = [] } = table;
      const sizes = traits.deviceClass === 'hardware' ? [...benchmarks, ...gpuBenchmarks] : benchmarks;
      return sizes.map((size) => ({ table, size }));
    });
  if (cases.length === 0) throw new OptionError(`there are no benchmark sizes of ${only.join(', ')}`);
  return cases;
}

function namesAmong(alsoKnown: readonly string[]): (text: string) => string[] {
  const known = new Set([...caseTables.map(({ operation }) => operation.name), ...alsoKnown]);
  return (text) => {
    const wanted = text.split(',');
    const unknown = wanted.find((name) => !known.has(name));
    if (unknown === undefined) return wanted;
    throw new InvalidArgumentError(`There is no ${unknown}; there are ${[...known].join(', ')}.`);
  };
}
