import { cpus } from 'node:os';
import type { Runtime } from '../src/tensor/runtime.js';
import type { Ceilings } from './ceilings.js';
import type { Timing } from './measure.js';

export interface BenchmarkRow {
  readonly operation: string;
  readonly size: Readonly<Record<string, unknown>>;
  /** A variant of ours, or the name of an alternative. */
  readonly contender: string;
  /** Ours, and the one that is taken without being asked for. */
  readonly isDefault: boolean;
  /** Milliseconds. */
  readonly timing: Timing;
  readonly flops: number;
  readonly bytes: number;
  /** Its median over the default variant's. */
  readonly timesDefault: number;
}

/** What the tuner found for one case. */
export interface TunedCase {
  readonly operation: string;
  readonly size: unknown;
  readonly storage: 'f32' | 'f16';
  /** What is taken without tuning, and what was fastest. */
  readonly untuned: string;
  readonly fastest: string;
  /** Median time of the first over that of the second. */
  readonly gain: number;
  /** Variants that gave another answer than `plain` on this device: a driver's fault, never chosen. */
  readonly wrong: readonly string[];
}

/** What a result must name to mean anything. */
export function describeDevice(runtime: Runtime): Record<string, unknown> {
  const { vendor, architecture, description, deviceClass, subgroupMinSize, subgroupMaxSize } = runtime.traits;
  return {
    vendor,
    architecture,
    description,
    deviceClass,
    subgroupMinSize,
    subgroupMaxSize,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString(),
  };
}

const columns = ['contender', 'ms (min-max)', 'GFLOP/s', 'GB/s', '% of ceiling', 'times ours'] as const;
const widths = [18, 26, 9, 8, 14, 12];

export function printHeader(runtime: Runtime, { gflops, gigabytes }: Ceilings): void {
  const { vendor, architecture, description } = runtime.traits;
  console.log(`${vendor} ${architecture}, ${description}`);
  console.log(
    `ceilings: ${gflops.toFixed(1)} GFLOP/s multiply-add f32, ${gigabytes.toFixed(1)} GB/s copy (both measured)`,
  );
}

/** One operation and size: the default of ours is marked with an asterisk. */
export function printRows(rows: readonly BenchmarkRow[], ceilings: Ceilings): void {
  const { operation, size } = rows[0]!;
  const text = Object.entries(size).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  console.log(`\n${operation}: ${text.join(', ')}`);
  console.log(columns.map((name, i) => (i ? name.padStart(widths[i]!) : name.padEnd(widths[i]!))).join(''));
  for (const row of rows) {
    const { median, min, max } = row.timing;
    const gflops = row.flops / median / 1e6;
    const gigabytes = row.bytes / median / 1e6;
    const share = Math.max(gflops / ceilings.gflops, gigabytes / ceilings.gigabytes);
    const cells = [
      `${row.contender}${row.isDefault ? ' *' : ''}`,
      `${digits(median)} (${digits(min)}-${digits(max)})`,
      digits(gflops),
      digits(gigabytes),
      `${(100 * share).toFixed(0)} %`,
      digits(row.timesDefault),
    ];
    console.log(cells.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(''));
  }
}

/** Three significant digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** What the tuner found for one case. */
export function printTuned({ operation, size, untuned, fastest, gain, wrong }: TunedCase): void {
  const choice = untuned === fastest ? untuned : `${untuned} -> ${fastest}`;
  console.log(
    `${operation.padEnd(20)}${choice.padEnd(28)}${gain.toFixed(2).padStart(6)} times  ${JSON.stringify(size)}`,
  );
  if (wrong.length > 0) console.log(`  WRONG on this device, never chosen: ${wrong.join(', ')}`);
}
