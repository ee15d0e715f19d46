import { setTimeout } from 'node:timers/promises';
import { Bench } from 'tinybench';

/** One way to do a job. `run` does it `repeats` times and waits for the end. */
export interface Contender {
  readonly name: string;
  run(repeats: number): Promise<void>;
  /** Frees what it holds. */
  dispose?(): void;
}

/** Milliseconds for the job done once. */
export interface Timing {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: number;
}

/** A sample shorter than this says more of the clock and the queue than of the kernel. */
const shortestSampleMs = 25;

/** Before each sample: a library may leave threads behind that spin for a while, waiting for more. */
const restMs = 100;

/** What a contender may take in all: one that is slow gets fewer samples, at least one. */
const contenderBudgetMs = 6000;

/**
 * Times the contenders in turn, A B C A B C …, so that a drift of the machine's speed hits all alike.
 * Each is warmed up once (compilation), then repeated within a sample until the sample is long enough. Those that are
 * `hopeless` times slower than the fastest are not measured again.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  hopeless?: number,
): Promise<Map<string, Timing>> {
  const samples = await interleavedSamples(contenders, rounds, hopeless);
  return new Map([...samples].map(([name, values]) => [name, timing(values)]));
}

/** As {@link interleave}: the samples themselves, that of the first round first. Slow contenders have fewer. */
export async function interleavedSamples(
  contenders: readonly Contender[],
  rounds: number,
  hopeless = Number.POSITIVE_INFINITY,
): Promise<Map<string, number[]>> {
  const repeats = new Map<string, number>();
  const samples = new Map<string, number[]>();
  const shares = new Map<string, number>();
  const first = new Map<string, number>();
  for (const contender of contenders) {
    await contender.run(1);
    const start = performance.now();
    await contender.run(1);
    first.set(contender.name, performance.now() - start);
  }
  const fastest = Math.min(...first.values());
  for (const [name, once] of first) {
    const isHopeless = once > hopeless * fastest;
    repeats.set(name, Math.min(256, Math.max(1, Math.ceil(shortestSampleMs / once))));
    shares.set(name, isHopeless ? 0 : Math.min(rounds, Math.max(1, Math.floor(contenderBudgetMs / once))));
    samples.set(name, isHopeless ? [once] : []);
  }
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, retainSamples: true });
    // Unless told so, tinybench finds out that a function is asynchronous by a call whose end it does not wait for.
    for (const { name, run } of contenders) {
      if (round < shares.get(name)!) {
        bench.add(name, () => run(repeats.get(name)!), { async: true, beforeEach: () => setTimeout(restMs) });
      }
    }
    await bench.run();
    for (const task of bench.tasks) {
      const { result } = task;
      if (!('latency' in result))
        throw new Error(`${task.name} failed in the benchmark: ${result.state}`, {
          cause: 'error' in result ? result.error : undefined,
        });
      for (const sample of result.latency.samples ?? [])
        samples.get(task.name)!.push(sample / repeats.get(task.name)!);
    }
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function timing(values: readonly number[]): Timing {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    samples: values.length,
  };
}
