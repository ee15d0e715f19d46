import type { LaunchOrigin } from '../gpu/commands.js';
import type { LaunchClock, LaunchTime } from '../gpu/launch-times.js';
import { inspected } from '../inspected.js';
import { type Shape, shapeText } from './shape.js';

/** The launches of one kernel by one variant of an operation, with one shape and one grid. */
export interface ProfileRow {
  /** Undefined where the kernel was launched by itself (`runtime.launch`). */
  readonly operation: string | undefined;
  readonly variant: string | undefined;
  /** Of the first output of the operation. */
  readonly shape: Shape | undefined;
  readonly kernel: string;
  readonly workgroups: readonly [number, number, number];
  readonly calls: number;
  /** Of all calls together. */
  readonly microseconds: number;
  /** Of one call. */
  readonly medianMicroseconds: number;
  /** Of the time of all launches, from 0 to 1. */
  readonly share: number;
}

/** What `runtime.profile` measured. As a string, and in Node's `console.log`, it is a table. */
export class Profile<T> {
  /** The rows that took longest come first. */
  readonly rows: readonly ProfileRow[];
  /** Of all launches together. */
  readonly microseconds: number;

  /** @internal For the runtime; make profiles with `runtime.profile`. */
  constructor(
    /** What the profiled function returned. */
    readonly result: T,
    /** `gpu`: the device's own. `host`: that of the host, with the way to the device and back in each time. */
    readonly clock: LaunchClock,
    times: readonly LaunchTime[],
  ) {
    this.microseconds = sum(times.map(({ microseconds }) => microseconds));
    this.rows = rowsOf(times, this.microseconds);
  }

  toString(): string {
    const lines = this.rows.map((row) => [
      row.operation ?? '',
      row.variant ?? '',
      row.kernel,
      row.shape ? shapeText(row.shape) : '',
      row.workgroups.join(' x '),
      String(row.calls),
      row.microseconds.toFixed(1),
      row.medianMicroseconds.toFixed(1),
      `${(row.share * 100).toFixed(1)} %`,
    ]);
    const calls = sum(this.rows.map((row) => row.calls));
    const clock = this.clock === 'gpu' ? "the device's clock" : 'the clock of the host';
    const total = `${calls} launches, ${this.microseconds.toFixed(1)} µs by ${clock}`;
    return `${aligned([titles, ...lines])}\n${total}`;
  }

  [inspected](): string {
    return this.toString();
  }
}

const titles = ['operation', 'variant', 'kernel', 'shape', 'workgroups', 'calls', 'µs', 'median', 'share'];
/** Columns from this one on are numbers, which end at the same place. */
const firstNumber = titles.indexOf('calls');

function rowsOf(times: readonly LaunchTime[], total: number): ProfileRow[] {
  const alike = new Map<string, LaunchTime[]>();
  for (const time of times) {
    const { name, origin, workgroups } = time;
    const key = JSON.stringify([origin?.operation, origin?.variant, origin?.shape, name, workgroups]);
    const group = alike.get(key);
    if (group) group.push(time);
    else alike.set(key, [time]);
  }
  return [...alike.values()]
    .map((group): ProfileRow => {
      const { name, origin, workgroups } = group[0]!;
      const each = group.map(({ microseconds }) => microseconds);
      const microseconds = sum(each);
      return {
        ...namesOf(origin),
        ...{ kernel: name, workgroups, calls: group.length, microseconds },
        medianMicroseconds: median(each),
        share: total > 0 ? microseconds / total : 0,
      };
    })
    .sort((a, b) => b.microseconds - a.microseconds);
}

function namesOf(origin: LaunchOrigin | undefined): Pick<ProfileRow, 'operation' | 'variant' | 'shape'> {
  return { operation: origin?.operation, variant: origin?.variant, shape: origin?.shape };
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i < firstNumber ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  '),
    )
    .join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
