import type { AnyCaseTable } from '../cases/index.js';
import type { Runtime } from '../src/tensor/runtime.js';
import type { Tuning } from '../src/tensor/tuning.js';
import { agreesWithPlain, benchmark, withCase } from './benchmark.js';
import type { TunedCase } from './report.js';

/** How much slower than the fastest so far a variant may be to be timed more than once. */
const hopeless = 3;

/** A variant replaces the untuned choice only where it gains more than the clock's noise. */
const leastGain = 1.05;

/** Measures one case and enters the fastest of its variants that give the right answer into `tuning`. */
export async function tuneCase(
  runtime: Runtime,
  tuning: Tuning,
  table: AnyCaseTable,
  size: unknown,
  storage: 'f32' | 'f16',
  rounds: number,
): Promise<TunedCase | undefined> {
  const { operation } = table;
  return withCase(runtime, table, size, storage, async (subject) => {
    if (operation.legalVariants(runtime.traits, subject.problem).length < 2) return undefined;
    const rows = await benchmark(subject, { rounds, hopeless });
    const byTime = rows.toSorted((a, b) => a.timing.median - b.timing.median);
    const untuned = rows.find(({ isDefault }) => isDefault)!;
    const wrong: string[] = [];
    for (const row of byTime) {
      if (!(await agreesWithPlain(subject, row.contender))) {
        wrong.push(row.contender);
        continue;
      }
      const gain = untuned.timing.median / row.timing.median;
      const fastest = gain < leastGain && !wrong.includes(untuned.contender) ? untuned : row;
      tuning.record(operation.name, operation.variantNames, subject.problem, fastest.contender);
      return {
        ...{ operation: operation.name, size, storage, wrong },
        ...{ untuned: untuned.contender, fastest: fastest.contender, gain },
      };
    }
    return undefined;
  });
}
