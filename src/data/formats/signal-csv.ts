import { checkArgument, path as pathRule } from '../../arguments.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { readCsv } from './csv.js';

/** A recording of sensors that is in memory. */
export interface RecordedSignal {
  /** Samples a second. */
  readonly rate: number;
  readonly channels: readonly string[];
  /** Seconds. */
  readonly duration: number;
  /** The signal of [start, end) seconds, [samples, channels], row-major. A bound is the nearest sample. @throws OptionError */
  read(start: number, end: number): Float32Array;
}

/** A pause of more intervals than this is no jitter: samples are missing. */
const longestGap = 10;

/**
 * Reads a recording from a CSV file: a column `time` in seconds, and a column for each channel, whose names are those of the
 * header. Clocks of phones jitter, so the samples are interpolated linearly to a constant rate, their mean one.
 * @throws FileAccessError; FileFormatError with the line where a value is no number, the times do not rise, or samples are
 *   missing
 */
export async function readSignalCsv(path: string): Promise<RecordedSignal> {
  checkArgument('readSignalCsv', 'path', path, pathRule);
  const { columns, rows } = await readCsv(path);
  const channels = columns.filter((name) => name !== 'time');
  if (channels.length === columns.length || channels.length === 0) {
    throw new FileFormatError(
      `${path}: a recording has a column time, in seconds, and a column for each channel; the columns are ${columns.join(', ')}`,
    );
  }
  if (rows.length < 2)
    throw new FileFormatError(`${path}: a recording has at least two samples, not ${rows.length}`);
  const times = rows.map((row) => row.number('time'));
  const seconds = times.at(-1)! - times[0]!;
  const interval = seconds / (rows.length - 1);
  for (const [i, row] of rows.entries()) {
    const gap = i === 0 ? interval : times[i]! - times[i - 1]!;
    if (gap <= 0)
      throw row.error(`time is ${times[i]}, it must be above that of the line before, ${times[i - 1]}`);
    if (gap > longestGap * interval)
      throw row.error(`${gap} s without a sample, where one comes every ${interval} s`);
  }
  const samples = new Float32Array(rows.length * channels.length);
  let after = 1;
  for (let i = 0; i < rows.length; i++) {
    const time = times[0]! + i * interval;
    while (after < rows.length - 1 && times[after]! < time) after++;
    const [from, to] = [times[after - 1]!, times[after]!];
    const share = Math.min(1, Math.max(0, (time - from) / (to - from)));
    for (const [k, name] of channels.entries()) {
      const [a, b] = [rows[after - 1]!.number(name), rows[after]!.number(name)];
      samples[i * channels.length + k] = a + share * (b - a);
    }
  }
  const rate = 1 / interval;
  const duration = rows.length / rate;
  return {
    rate,
    channels,
    duration,
    read(start, end) {
      const first = Math.round(start * rate);
      const last = first + Math.round((end - start) * rate);
      if (!(start >= 0 && start < end && last <= rows.length)) {
        throw new OptionError(`${path}: [${start}, ${end}] s is not within the recording, [0, ${duration}]`);
      }
      return samples.slice(first * channels.length, last * channels.length);
    },
  };
}
