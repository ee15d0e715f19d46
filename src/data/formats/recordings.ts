import { checkArgument, path as pathRule } from '../../arguments.js';
import { FileAccessError, FileFormatError, OptionError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import type { LabelledSegment } from '../../time/segment.js';
import { fileAccessError, openSource, readBytes } from '../files/byte-source.js';
import { viewBytes } from './array.js';
import { type JsonRecord, readJsonRecord } from './json-record.js';

/** One untrimmed recording of all sensors. */
export interface Recording {
  /** `expNN_userNN`, as queries name it. */
  readonly name: string;
  /** Which part of the data set it belongs to, such as `train`. */
  readonly split: string;
  /** Length in seconds. */
  readonly duration: number;
  /** What was done when, by start. */
  readonly segments: readonly LabelledSegment[];
  /**
   * The signal of [start, end) seconds in physical units, [samples, channels], row-major. A bound is the
   * nearest sample: an excerpt whose length is a whole number of samples has that many, wherever it starts.
   * @throws OptionError where the span is not within the recording
   */
  signal(start: number, end: number): Float32Array;
}

/** Recordings of one set of sensors. */
export interface Recordings {
  /** Samples a second. */
  readonly rate: number;
  readonly channels: readonly string[];
  /** Every label that segments can have. */
  readonly classes: readonly string[];
  readonly byName: ReadonlyMap<string, Recording>;
}

const two = (number: number): string => String(number).padStart(2, '0');

/** The name that `NAME.json` and `NAME_i16.bin` of a folder share. */
async function nameIn(folder: string): Promise<string> {
  const { readdir } = await nodeModule('node:fs/promises');
  const files = await readdir(folder).catch((cause) => {
    throw fileAccessError(folder, cause);
  });
  const signals = files.filter((file) => file.endsWith('_i16.bin'));
  if (signals.length === 1) return signals[0]!.slice(0, -'_i16.bin'.length);
  throw new FileAccessError(
    `${folder} should hold the recordings as one NAME.json and one NAME_i16.bin, it holds ` +
      (signals.join(', ') || 'no file that ends in _i16.bin'),
  );
}

/** The labels of the format's [class from 1, first sample, sample after the last]. */
function segmentsOf(record: JsonRecord, classes: readonly string[], samples: number, rate: number) {
  const segments = record.rows('segments', 3).map((row, i) => {
    const [label, start, end] = row as readonly [number, number, number];
    const name = classes[label - 1];
    if (name === undefined) throw record.error(`segments[${i}] has class ${label} of ${classes.length}`);
    if (!row.every(Number.isInteger) || start < 0 || start >= end || end > samples) {
      throw record.error(`segments[${i}] is [${start}, ${end}) of ${samples} samples`);
    }
    return { label: name, segment: [start / rate, end / rate] as const };
  });
  return segments.sort((a, b) => a.segment[0] - b.segment[0]);
}

/** Recordings whose samples have not been read. */
export interface RecordingsIndex extends Omit<Recordings, 'byName'> {
  readonly byName: ReadonlyMap<string, Omit<Recording, 'signal'>>;
  /** The samples of all recordings. @throws FileAccessError, FileFormatError where the file is not what it was */
  readSignals(): Promise<ReadonlyMap<string, Recording['signal']>>;
}

/**
 * Reads a folder of recordings: `NAME.json` holds `rate_hz`, `channels`, `scale` (a factor for each channel),
 * `classes`, and of each of the `recordings` its `exp`, `user`, `split`, `samples`, `offset` (its first row) and
 * `segments`; `NAME_i16.bin` holds the samples, int16 little-endian [rows, channels], which the factors turn into
 * physical units (g and rad/s for accelerometer and gyroscope).
 * @throws FileAccessError where a file is missing, FileFormatError where the two do not fit together, or a
 *   segment is not within its recording
 */
export async function openRecordings(folder: string): Promise<Recordings> {
  checkArgument('openRecordings', 'folder', folder, pathRule);
  const { byName, readSignals, ...recordings } = await indexRecordings(folder);
  const signals = await readSignals();
  return {
    ...recordings,
    byName: new Map([...byName].map(([name, one]) => [name, { ...one, signal: signals.get(name)! }])),
  };
}

/** As `openRecordings`, without the samples; that the file has as many is checked. */
export async function indexRecordings(folder: string): Promise<RecordingsIndex> {
  const { join } = await nodeModule('node:path');
  const path = join(folder, await nameIn(folder));
  const header = await readJsonRecord(`${path}.json`);
  const rate = header.number('rate_hz');
  if (rate <= 0) throw header.error(`rate_hz is ${rate}`);
  const channels = header.texts('channels');
  const classes = header.texts('classes');
  const scale = header.numbers('scale', channels.length);
  const source = await openSource(`${path}_i16.bin`);
  await source.close();
  const rowBytes = 2 * channels.length;
  const cut = (what: string) =>
    new FileFormatError(`${path}_i16.bin has ${source.size} bytes, ${what}: copy it again`);
  if (channels.length === 0 || source.size % rowBytes !== 0) throw cut(`not rows of ${rowBytes}`);

  const byName = new Map<string, Omit<Recording, 'signal'>>();
  const places: { readonly name: string; readonly offset: number; readonly samples: number }[] = [];
  const records = header
    .records('recordings')
    .map((record) => ({ record, offset: record.integer('offset', 0) }));
  let row = 0;
  for (const { record, offset } of records.sort((a, b) => a.offset - b.offset)) {
    const samples = record.integer('samples', 1);
    if (offset !== row) throw record.error(`offset is ${offset}, the recording before it ends at ${row}`);
    row += samples;
    const name = `exp${two(record.integer('exp', 0))}_user${two(record.integer('user', 0))}`;
    if (byName.has(name)) throw record.error(`${name} occurs twice`);
    places.push({ name, offset, samples });
    byName.set(name, {
      name,
      split: record.text('split'),
      duration: samples / rate,
      segments: segmentsOf(record, classes, samples, rate),
    });
  }
  if (row * rowBytes !== source.size) throw cut(`${path}.json speaks of ${row} rows of ${rowBytes}`);
  const readSignals = async () => {
    const bytes = await readBytes(`${path}_i16.bin`);
    if (bytes.length !== source.size) throw cut(`it changed to ${bytes.length} while it was in use`);
    const values = viewBytes('i16', bytes) as Int16Array;
    return new Map(
      places.map(({ name, offset, samples }) => {
        const signal: Recording['signal'] = (start, end) => {
          const [first, last] = [Math.round(start * rate), Math.round(end * rate)];
          if (!(first >= 0 && first <= last && last <= samples)) {
            throw new OptionError(`[${start}, ${end}] s is not within ${name}, ${samples / rate} s long`);
          }
          const begin = (offset + first) * channels.length;
          const signal = new Float32Array((last - first) * channels.length);
          for (let i = 0; i < signal.length; i++) signal[i] = values[begin + i]! * scale[i % scale.length]!;
          return signal;
        };
        return [name, signal] as const;
      }),
    );
  };
  return { rate, channels, classes, byName, readSignals };
}
