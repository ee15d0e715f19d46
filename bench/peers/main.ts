import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { relativeError } from '../../cases/support/host.js';
import { checkOutputs } from '../../src/cli/shared/outputs.js';
import { isStream, writeWhole } from '../../src/data/files/output-file.js';
import { calm } from '../../src/gpu/polling.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import { type Contender, interleavedSamples, type Timing, timing } from '../measure.js';
import { describeDevice } from '../report.js';
import { gpuJs } from './gpu-js.js';
import { jax } from './jax.js';
import { type NamedCase, namedCases, type PeerCase } from './jobs.js';
import { lendNavigator } from './navigator.js';
import { onnxruntimeNode } from './onnxruntime-node.js';
import { onnxruntimeWeb } from './onnxruntime-web.js';
import { ours } from './ours.js';
import type { Peer, PreparedJob, Way } from './peer.js';
import { tfjs } from './tfjs.js';

export interface PeersOptions {
  /** Operations to compare; all where it is empty. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Where the results go. */
  readonly json?: string;
}

/** What one run finds. */
export interface PeersResult {
  readonly device: Record<string, unknown>;
  readonly peers: readonly PeerStatus[];
  readonly rows: readonly PeerRow[];
}

export interface PeerStatus {
  readonly name: string;
  readonly version?: string;
  /** Why it could not be loaded. */
  readonly reason?: string;
}

/** One way of one peer to do one job. */
export interface PeerRow {
  readonly operation: string;
  readonly size: string;
  readonly peer: string;
  /** How it is done where that is not plain. */
  readonly note?: string;
  /** Why it does not count: what it lacks or how it failed, and then it has no timing, or how wrong it is. */
  readonly reason?: string;
  /** Relative to the double-precision reference. */
  readonly error?: number;
  /** Milliseconds. */
  readonly timing?: Timing;
  /** Its time over ours, of the same rounds. */
  readonly timesOurs?: Timing;
  readonly gflops?: number;
  readonly gigabytes?: number;
}

const openers: Readonly<Record<string, () => Promise<Peer>>> = {
  'tfjs webgpu': tfjs,
  'onnxruntime-node webgpu': () => onnxruntimeNode('webgpu'),
  'onnxruntime-web webgpu': onnxruntimeWeb,
  'jax-js webgpu': jax,
  'gpu.js webgpu': gpuJs,
  'onnxruntime-node cpu': () => onnxruntimeNode('cpu'),
};

/** Room for other orders of summation and other implementations of exp, beyond the bound of our own tests. */
const boundFactor = 4;

/**
 * A peer that hangs, as a lost device makes it, must not take the run with it. Long, because a software driver
 * takes minutes to compile some shaders.
 */
const patienceMs = 300_000;

/** This package against its peers: same adapter, same process, same operands, in turn. */
export async function benchmarkPeers(runtime: Runtime, options: PeersOptions): Promise<void> {
  const { json } = options;
  await checkOutputs({ '--json': json });
  await lendNavigator();
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
  const contestants = [ours(runtime, version)];
  const peers: PeerStatus[] = [{ name: contestants[0]!.name, version }];
  for (const [name, open] of Object.entries(openers)) {
    try {
      const peer = await patiently(open());
      contestants.push(peer);
      peers.push({ name, version: peer.version });
    } catch (error) {
      peers.push({ name, reason: messageOf(error) });
    }
  }
  for (const { name, version, reason } of peers)
    console.log(`${name} ${version ?? `cannot be loaded: ${reason}`}`);
  const rows: PeerRow[] = [];
  const save = async () => {
    const result: PeersResult = { device: describeDevice(runtime), peers, rows };
    if (json !== undefined) await writeWhole(json, `${JSON.stringify(result, undefined, 1)}\n`);
  };
  // After each job, so that an interrupted run keeps what it has measured; a stream takes one document only.
  const saveSoFar = json !== undefined && (await isStream(json)) ? async () => {} : save;
  for (const named of namedCases) {
    if (options.only.length > 0 && !options.only.includes(named.operation)) continue;
    const compared = await compare(named, contestants, options.rounds);
    printRows(compared);
    rows.push(...compared);
    await saveSoFar();
  }
  await save();
  for (const peer of contestants) await peer.close();
  console.log(`\n${rows.length} rows${json === undefined ? '' : ` written to ${json}`}`);
}

/** A way that is about to be timed. */
interface Entrant {
  readonly row: PeerRow;
  readonly contender: Contender;
  /** Why it failed in between: it stays in the race, doing nothing. */
  failure?: string;
}

/** Checks every way of every peer to do a job, and times them. */
async function compare(
  { operation, size, make }: NamedCase,
  peers: readonly Peer[],
  rounds: number,
): Promise<PeerRow[]> {
  const made = make();
  const out: (PeerRow | Entrant)[] = [];
  for (const peer of peers) {
    const base = { operation, size, peer: peer.name };
    let ways: readonly Way[];
    try {
      ways = peer.ways(made.job);
    } catch (error) {
      out.push({ ...base, reason: messageOf(error) });
      continue;
    }
    for (const way of ways) {
      const row = { ...base, ...(way.note && { note: way.note }) };
      out.push(await enter(row, way, made));
    }
  }
  const entrants = out.filter((each): each is Entrant => 'contender' in each);
  const samples = await interleavedSamples(
    entrants.map(({ contender }) => contender),
    rounds,
  );
  const own = entrants.find(({ row, failure }) => row.peer === peers[0]!.name && !failure);
  const ownSamples = own && samples.get(own.contender.name)!;
  for (const { contender } of entrants) await contender.dispose?.();
  return out.map((each) => {
    if (!('contender' in each)) return each;
    if (each.failure) return { ...each.row, reason: each.failure };
    const values = samples.get(each.contender.name)!;
    const time = timing(values);
    return {
      ...each.row,
      timing: time,
      ...(ownSamples && { timesOurs: timing(ratios(values, ownSamples)) }),
      gflops: made.flops / time.median / 1e6,
      gigabytes: made.bytes / time.median / 1e6,
    };
  });
}

/** Of the rounds that both have. */
function ratios(values: readonly number[], own: readonly number[]): number[] {
  return values.slice(0, own.length).map((value, round) => value / own[round]!);
}

/** Runs a way once and compares. What is wrong is timed too, and says so; what fails is a row with the reason. */
async function enter(row: PeerRow, way: Way, { expected, bound }: PeerCase): Promise<PeerRow | Entrant> {
  let prepared: PreparedJob | undefined;
  try {
    prepared = await patiently(calm(way.prepare()));
    const output = await patiently(calm(prepared.output()));
    const error = output.length === expected.length ? relativeError(output, expected) : Infinity;
    const wrong = !(error <= boundFactor * bound);
    const fault = wrong && { reason: `wrong: relative error ${error.toExponential(1)}` };
    return entrant({ ...row, error, ...fault }, prepared);
  } catch (error) {
    return { ...row, reason: messageOf(error) };
  }
}

function entrant(row: PeerRow, { run, dispose }: PreparedJob): Entrant {
  const made: Entrant = {
    row,
    contender: {
      name: `${row.peer} ${row.note ?? ''}`,
      async run(repeats) {
        if (made.failure) return;
        try {
          await patiently(run(repeats));
        } catch (error) {
          made.failure = messageOf(error);
        }
      },
      dispose,
    },
  };
  return made;
}

async function patiently<T>(work: Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const late = setTimeout(patienceMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`no answer in ${patienceMs / 1000} s`);
  });
  late.catch(() => {}); // cancelled
  return Promise.race([work, late]).finally(() => giveUp.abort());
}

/** The first line, which is what there is room for in a table. */
function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 200);
}

function printRows(rows: readonly PeerRow[]): void {
  const { operation, size } = rows[0]!;
  console.log(`\n${operation} ${size}`);
  for (const { peer, note, reason, timing, timesOurs, gflops, gigabytes } of rows) {
    const label = `  ${peer}${note ? `, ${note}` : ''}`;
    if (!timing) {
      console.log(`${label}: ${reason}`);
      continue;
    }
    const ratio = timesOurs ? `, ${spread(timesOurs)} times ours` : '';
    console.log(
      `${label}${reason ? ` (${reason})` : ''}: ${spread(timing)} ms, ${digits(gflops!)} GFLOP/s, ${digits(gigabytes!)} GB/s${ratio} ` +
        `(${timing.samples} rounds)`,
    );
  }
}

function spread({ median, min, max }: Timing): string {
  return `${digits(median)} (${digits(min)}-${digits(max)})`;
}

/** Three significant digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
