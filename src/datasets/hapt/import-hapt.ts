import { checkArguments, checkFields, integer, optional, path as pathRule } from '../../arguments.js';
import { ensureFolder, writeWhole } from '../../data/files/output-file.js';
import { HostRandom } from '../../data/host-random.js';
import { FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { haptQueries, type QueriedRecording } from './hapt-queries.js';
import { readUciHapt, type UciRecording } from './read-uci.js';

export interface ImportHaptOptions {
  /** Of the queries; default: 0. */
  readonly seed?: number;
  /** Queries over the recordings of `train`; default: 12,000. */
  readonly trainQueries?: number;
  /** Queries over those of each other split; default: 1,000. */
  readonly otherQueries?: number;
}

/** What was written of a split. */
export interface ImportedSplit {
  readonly split: string;
  readonly recordings: number;
  readonly queries: number;
}

const RATE = 50;
const CHANNELS = ['acc_x', 'acc_y', 'acc_z', 'gyro_x', 'gyro_y', 'gyro_z'];
/** Units of an int16: 2^-13 g and 2^-11 rad/s, which hold +-4 g and +-16 rad/s, more than the sensors give. */
const SCALE = [2 ** -13, 2 ** -13, 2 ** -13, 2 ** -11, 2 ** -11, 2 ** -11];
const SIGNALS = 'hapt_i16.bin';
const HEADER = 'hapt.json';

/** Splits by user: none is in two. The last users are kept for tests. */
const SPLITS = [
  { split: 'train', users: [1, 21] },
  { split: 'validation', users: [22, 26] },
  { split: 'test', users: [27, 30] },
] as const;

const splitOf = (user: number): string | undefined =>
  SPLITS.find(({ users: [first, last] }) => first <= user && user <= last)?.split;

/**
 * Turns the recordings of UCI HAPT into a folder that `openRecordings` and `openDataset` read: `hapt.json`, `hapt_i16.bin`
 * (values rounded to the nearest unit, 2^-13 g and 2^-11 rad/s), and `queries-SPLIT.jsonl` with generated sentences
 * (`haptQueries`). Users 1 to 21 are `train`, 22 to 26 `validation`, 27 to 30 `test`.
 * @param source the unpacked distribution, with `activity_labels.txt` and `RawData`
 * @param out made where it is missing
 * @throws FileAccessError, FileFormatError with file and line
 */
export async function importHapt(
  source: string,
  out: string,
  options: ImportHaptOptions = {},
): Promise<readonly ImportedSplit[]> {
  checkArguments('importHapt', { source, out }, { source: pathRule, out: pathRule });
  checkFields<ImportHaptOptions>('importHapt', options, {
    seed: optional(integer(0)),
    trainQueries: optional(integer(0)),
    otherQueries: optional(integer(0)),
  });
  const { seed = 0, trainQueries = 12_000, otherQueries = 1_000 } = options;
  const { join } = await nodeModule('node:path');
  const names = SPLITS.map(({ split }) => `queries-${split}.jsonl`);
  await ensureFolder(out, [HEADER, SIGNALS, ...names]);
  const { classes, recordings } = await readUciHapt(source);
  const splits = recordings.map(({ experiment, user }) => {
    const split = splitOf(user);
    if (split === undefined)
      throw new FileFormatError(`${source}: experiment ${experiment} is of user ${user}, whom no split has`);
    return split;
  });
  await writeWhole(join(out, SIGNALS), signalsOf(source, recordings));
  await writeWhole(join(out, HEADER), JSON.stringify(headerOf(classes, recordings, splits)));
  const imported: ImportedSplit[] = [];
  for (const [i, { split }] of SPLITS.entries()) {
    const own = recordings.filter((_, at) => splits[at] === split);
    if (own.length === 0) continue;
    const count = split === 'train' ? trainQueries : otherQueries;
    const queries = haptQueries(
      own.map((one) => queried(one, classes)),
      count,
      new HostRandom(seed, i),
    );
    await writeWhole(join(out, names[i]!), queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
    imported.push({ split, recordings: own.length, queries: queries.length });
  }
  return imported;
}

/** int16 little-endian, [samples of all recordings, channels]. */
function signalsOf(source: string, recordings: readonly UciRecording[]): Uint8Array {
  const rows = recordings.reduce((sum, { samples }) => sum + samples, 0);
  const bytes = new Uint8Array(2 * rows * CHANNELS.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { experiment, values } of recordings) {
    for (const [i, value] of values.entries()) {
      const unit = Math.round(value / SCALE[i % SCALE.length]!);
      if (unit < -32768 || unit > 32767)
        throw new FileFormatError(
          `${source}: experiment ${experiment}: ${CHANNELS[i % CHANNELS.length]} of sample ` +
            `${Math.floor(i / CHANNELS.length) + 1} is ${value}, beyond what the sensors give`,
        );
      view.setInt16(at, unit, true);
      at += 2;
    }
  }
  return bytes;
}

function headerOf(
  classes: readonly string[],
  recordings: readonly UciRecording[],
  splits: readonly string[],
) {
  let offset = 0;
  return {
    rate_hz: RATE,
    channels: CHANNELS,
    scale: SCALE,
    dtype: 'int16le, row-major [samples,6], recordings concatenated',
    classes,
    segment_format: '[class_id (1-based), start_sample (0-based, inclusive), end_sample (exclusive)]',
    recordings: recordings.map(({ experiment, user, samples, segments }, i) => {
      const first = offset;
      offset += samples;
      return { exp: experiment, user, split: splits[i]!, samples, offset: first, segments };
    }),
  };
}

const two = (number: number): string => String(number).padStart(2, '0');

function queried(
  { experiment, user, samples, segments }: UciRecording,
  classes: readonly string[],
): QueriedRecording {
  return {
    name: `exp${two(experiment)}_user${two(user)}`,
    duration: samples / RATE,
    segments: segments
      .map(([label, start, end]) => ({
        label: classes[label - 1]!,
        segment: [start / RATE, end / RATE] as const,
      }))
      .sort((a, b) => a.segment[0] - b.segment[0]),
  };
}
