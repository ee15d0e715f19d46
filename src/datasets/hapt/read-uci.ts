import { readText } from '../../data/formats/json-record.js';
import { FileAccessError, FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { openFolder } from '../dataset-folder.js';

/** A recording of the HAPT data set as UCI distributes it. */
export interface UciRecording {
  readonly experiment: number;
  readonly user: number;
  /** [samples, 6], row-major: acceleration in g, then angular velocity in rad/s. */
  readonly values: Float64Array;
  readonly samples: number;
  /** Class from 1, first sample from 0, sample after the last; in the order of the file. */
  readonly segments: readonly (readonly [label: number, start: number, end: number])[];
}

export interface UciHapt {
  /** In the order of their numbers. */
  readonly classes: readonly string[];
  /** In the order of their experiments. */
  readonly recordings: readonly UciRecording[];
}

const AXES = 3;

/**
 * Reads the raw recordings of UCI HAPT (Reyes-Ortiz et al. 2015): `activity_labels.txt` and, in `RawData`, `labels.txt` and
 * `acc_expNN_userMM.txt` and `gyro_expNN_userMM.txt` for each recording. Labels of recordings that are not there are
 * passed over.
 * @throws FileAccessError where a file is missing or cannot be read, FileFormatError with the line where it breaks that
 */
export async function readUciHapt(folder: string): Promise<UciHapt> {
  const { join } = await nodeModule('node:path');
  const classes = await readClasses(join(folder, 'activity_labels.txt'));
  const raw = join(folder, 'RawData');
  const { names } = await openFolder(raw);
  const labels = await readLabels(join(raw, 'labels.txt'), classes.length);
  const recordings: UciRecording[] = [];
  for (const name of names) {
    const [, experiment, user] = /^acc_exp(\d+)_user(\d+)\.txt$/.exec(name) ?? [];
    if (experiment === undefined) continue;
    const gyro = name.replace('acc', 'gyro');
    if (!names.includes(gyro)) throw new FileAccessError(`${raw} has ${name}, but no ${gyro}`);
    const [acceleration, rotation] = [await readRows(join(raw, name)), await readRows(join(raw, gyro))];
    if (acceleration.length !== rotation.length)
      throw new FileFormatError(
        `${join(raw, gyro)} has ${rotation.length} lines, ${name} has ${acceleration.length}: copy them again`,
      );
    recordings.push({
      experiment: Number(experiment),
      user: Number(user),
      samples: acceleration.length,
      values: Float64Array.from(acceleration.flatMap((row, i) => [...row, ...rotation[i]!])),
      segments: segmentsOf(labels, Number(experiment), Number(user), acceleration.length),
    });
  }
  if (recordings.length === 0) throw new FileAccessError(`${raw} has no acc_expNN_userMM.txt`);
  return { classes, recordings: recordings.sort((a, b) => a.experiment - b.experiment) };
}

interface Label {
  readonly where: string;
  readonly numbers: readonly number[];
}

/** The lines of a file that are not empty. */
async function linesOf(path: string): Promise<{ readonly line: string; readonly where: string }[]> {
  return (await readText(path))
    .split(/\r?\n/)
    .map((line, i) => ({ line: line.trim(), where: `${path}, line ${i + 1}` }))
    .filter(({ line }) => line !== '');
}

async function readClasses(path: string): Promise<string[]> {
  return (await linesOf(path)).map(({ line, where }, i) => {
    const [, number, name] = /^(\d+)\s+(\S+)$/.exec(line) ?? [];
    if (Number(number) !== i + 1)
      throw new FileFormatError(`${where}: expected ${i + 1} and the name of a class`);
    return name!;
  });
}

async function readLabels(path: string, classes: number): Promise<Label[]> {
  return (await linesOf(path)).map(({ line, where }) => {
    const numbers = line.split(/\s+/).map(Number);
    const [, , label, first, last] = numbers;
    if (numbers.length !== 5 || !numbers.every((number) => Number.isInteger(number) && number > 0))
      throw new FileFormatError(
        `${where}: expected experiment, user, activity, first and last sample, from 1`,
      );
    if (label! > classes) throw new FileFormatError(`${where}: activity ${label} of ${classes}`);
    if (first! > last!)
      throw new FileFormatError(`${where}: the first sample ${first} comes after the last, ${last}`);
    return { where, numbers };
  });
}

async function readRows(path: string): Promise<number[][]> {
  return (await linesOf(path)).map(({ line, where }) => {
    const row = line.split(/\s+/).map(Number);
    if (row.length !== AXES || !row.every(Number.isFinite))
      throw new FileFormatError(`${where}: expected ${AXES} finite numbers`);
    return row;
  });
}

function segmentsOf(labels: readonly Label[], experiment: number, user: number, samples: number) {
  return labels.flatMap(({ where, numbers: [of, by, label, first, last] }) => {
    if (of !== experiment) return [];
    if (by !== user) throw new FileFormatError(`${where}: experiment ${of} is of user ${user}, not ${by}`);
    if (last! > samples) throw new FileFormatError(`${where}: sample ${last} of ${samples}`);
    return [[label!, first! - 1, last!] as const];
  });
}
