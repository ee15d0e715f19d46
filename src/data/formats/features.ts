import {
  callback,
  checkArgument,
  checkFields,
  instanceOf,
  integer,
  objectWith,
  optional,
  path as pathRule,
  type Rule,
  rule,
  someOf,
} from '../../arguments.js';
import { DtypeError, FileFormatError, NotFiniteError, OptionError, ShapeError } from '../../errors.js';
import { type ArrayDtype, elementCount, type NumericArray, toFloat32 } from './array.js';
import type { ArrayFile, StoredArray } from './array-file.js';
import type { OnSkipped } from './npz.js';
import { arrayExtension, arrayExtensions, openArrayFile } from './open-array-file.js';

/** A video as a sequence of feature vectors. */
export interface Features {
  /** T, time steps. */
  readonly steps: number;
  /** C, channels of a step. */
  readonly channels: number;
  /** [T, C], row-major. */
  readonly data: Float32Array;
}

/** How many crops of each picture ten-crop features are of: four corners and the middle, and their mirror images. */
const CROPS = 10;

/** What is taken of ten-crop features: their mean, or one crop from 0. */
export type Crop = 'mean' | number;

export interface FeatureOptions {
  /** What is taken of ten-crop features [10, T, C]: their mean (default), or one crop, 0 to 9. */
  readonly crop?: Crop;
  /** Called with `FILE#NAME` and what it holds for each array beside the features that holds no numbers. */
  readonly onSkipped?: OnSkipped;
}

/** What `crop` may be. */
export const cropRule: Rule<Crop> = rule(
  `'mean' or an integer from 0 to ${CROPS - 1}`,
  (value) => value === 'mean' || (Number.isInteger(value) && Number(value) >= 0 && Number(value) < CROPS),
);
export const featuresRule: Rule<Features> = objectWith<Features>({
  steps: integer(1),
  channels: integer(1),
  data: instanceOf(Float32Array, 'a Float32Array'),
});

const print = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

const floats: readonly (ArrayDtype | undefined)[] = ['f16', 'bf16', 'f32', 'f64'];

/** Whether an array is [T, C], or [crops, T, C] of one crop (as some extractors write [T, C]) or ten, and has elements. */
function canBeFeatures({ dtype, shape }: StoredArray): boolean {
  const matrix = shape.length === 2 || (shape.length === 3 && (shape[0] === 1 || shape[0] === CROPS));
  return matrix && floats.includes(dtype) && elementCount(shape) > 0;
}

/**
 * The name of the only array of a file that can be features; of its only array, which is then refused for what it is.
 * @param path what messages call the file
 * @throws FileFormatError where no array or several can be features
 */
export async function onlyFeatures(path: string, file: ArrayFile): Promise<string> {
  const names = file.names();
  if (names.length === 1) return names[0]!;
  const all: [string, StoredArray][] = [];
  for (const name of names) all.push([name, (await file.find(name))!]);
  const candidates = all.filter(([, array]) => canBeFeatures(array));
  if (candidates.length === 1) return candidates[0]![0];
  if (candidates.length > 1) {
    const held = candidates.map(([name, { shape }]) => `${name} ${print(shape)}`);
    throw new FileFormatError(`${path} holds ${shortened(held)}: name the features' array as ${path}#NAME`);
  }
  const held = all.map(
    ([name, array]) => `${name} ${print(array.shape)} of ${array.dtype ?? array.otherKind}`,
  );
  throw new FileFormatError(
    `${path} holds no floating-point array [steps, channels], only ${shortened(held) || 'no array'}`,
  );
}

/** A list for a message: a file may hold thousands of arrays. */
function shortened(items: readonly string[], most = 8): string {
  const rest = items.length > most ? ` and ${items.length - most} more` : '';
  return items.slice(0, most).join(', ') + rest;
}

/** The parts of `FILE` or `FILE#NAME`. @throws OptionError where the file is of no kind that holds features */
export function featurePath(path: string): { file: string; extension: string; name: string | undefined } {
  const hash = [...path.matchAll(/#/g)].find(({ index }) => arrayExtension(path.slice(0, index)))?.index;
  const file = hash === undefined ? path : path.slice(0, hash);
  const extension = arrayExtension(file);
  if (!extension) {
    throw new OptionError(`${path} is no feature file: give one of ${arrayExtensions.join(', ')}`);
  }
  return {
    file,
    extension: file.slice(-extension.length),
    name: hash === undefined ? undefined : path.slice(hash + 1),
  };
}

/** The feature array of a file: the one named after `#`, or else the only one that can be features. */
async function readFeatureArray(path: string, onSkipped: OnSkipped | undefined): Promise<NumericArray> {
  const { file: at, name: wanted } = featurePath(path);
  const file = await openArrayFile(at);
  try {
    if (wanted !== undefined) return await readNamed(at, file, wanted);
    const name = await onlyFeatures(at, file);
    for (const other of onSkipped ? file.names() : []) {
      if (other === name) continue;
      const { dtype, otherKind } = (await file.find(other))!;
      if (!dtype) onSkipped?.(`${at}#${other}`, otherKind);
    }
    return await file.read(name);
  } finally {
    await file.close();
  }
}

/** @throws FileFormatError where there is no array of that name */
export async function readNamed(path: string, file: ArrayFile, name: string): Promise<NumericArray> {
  if (await file.find(name)) return file.read(name);
  throw new FileFormatError(`${path} holds no array ${name}, only ${shortened(file.names()) || 'no array'}`);
}

/** [T, C] of [T, C], [1, T, C] or ten crops [10, T, C]. */
function withoutCrops(array: NumericArray, crop: Crop, path: string): NumericArray {
  const [count, ...shape] = array.shape;
  if (shape.length !== 2 || count === 1) {
    const single = shape.length === 2 ? { ...array, shape } : array;
    if (crop === 'mean') return single;
    throw new OptionError(
      `loadFeatures: crop is ${crop}, but ${path} is ${print(array.shape)}: it has no ${CROPS} crops`,
    );
  }
  if (count !== CROPS) {
    const hint = shape[0] === CROPS ? ': crops come first, so transpose its first two axes' : '';
    throw new ShapeError(
      `${path} is ${print(array.shape)}: features are [steps, channels] or [${CROPS}, steps, channels]${hint}`,
    );
  }
  const size = elementCount(shape);
  const all = toFloat32(array);
  if (crop !== 'mean') return { dtype: 'f32', shape, data: all.subarray(crop * size, (crop + 1) * size) };
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let from = i; from < all.length; from += size) sum += all[from]!;
    data[i] = sum / CROPS;
  }
  return { dtype: 'f32', shape, data };
}

async function readFeatures(path: string, { crop = 'mean', onSkipped }: FeatureOptions): Promise<Features> {
  return featuresOf(await readFeatureArray(path, onSkipped), path, crop);
}

/** Where the first NaN or infinity is; -1 where there is none. */
function firstNotFinite(data: Float32Array): number {
  // Whatever is not finite makes the sum of zero times it NaN; this is faster than a test of each value.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!;
  return sum === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

/**
 * The features of an array [T, C], [1, T, C] or of ten crops [10, T, C].
 * @param path what messages call it
 * @throws FileFormatError for NaN and infinities, DtypeError, ShapeError
 */
export function featuresOf(stored: NumericArray, path: string, crop: Crop): Features {
  if (!floats.includes(stored.dtype)) {
    throw new DtypeError(
      `${path} holds ${stored.dtype}: features are floating-point numbers, save them as float32`,
    );
  }
  const array = withoutCrops(stored, crop, path);
  const { shape } = array;
  if (shape.length !== 2) throw new ShapeError(`${path} is ${print(shape)}: features are [steps, channels]`);
  const [steps, channels] = shape as [number, number];
  if (steps === 0 || channels === 0) throw new ShapeError(`${path} is empty: its shape is ${print(shape)}`);
  const data = toFloat32(array);
  const bad = firstNotFinite(data);
  if (bad >= 0) {
    throw new FileFormatError(
      `${path} holds ${data[bad]} in row ${Math.floor(bad / channels)}, column ${bad % channels} (from 0): ` +
        'extract these features again',
      { cause: new NotFiniteError(`${path} holds ${data[bad]}`) },
    );
  }
  return { steps, channels, data };
}

/**
 * Loads a video's features. Several files are joined along the channels in the given order (I3D: RGB, then
 * flow) and must have the same number of steps.
 * @param paths `.npy`, `.npz`, `.safetensors`, `.hdf5`, `.h5`, `.pt` or `.pth` files with an array [T, C] each (or [1, T, C], or ten crops
 *   [10, T, C]), in f16, bf16, f32 or f64. Without a name, the only array of the file that can be that is taken, whatever
 *   else is in it; `file.npz#name` picks one
 * @throws FileAccessError, FileFormatError (also for NaN and infinities, with row and column; where no array or several
 *   can be features; for text and Python objects, which are never unpickled), DtypeError, ShapeError where a file is not
 *   [T, C], is empty, or has other steps than the first, OptionError
 */
export async function loadFeatures(
  paths: readonly string[],
  options: FeatureOptions = {},
): Promise<Features> {
  checkArgument('loadFeatures', 'paths', paths, someOf(pathRule));
  checkFields<FeatureOptions>('loadFeatures', options, {
    crop: optional(cropRule),
    onSkipped: optional(callback),
  });
  const parts = await Promise.all(paths.map((path) => readFeatures(path, options)));
  const steps = parts[0]!.steps;
  if (parts.some((part) => part.steps !== steps)) {
    const shapes = parts.map((part, i) => `${paths[i]} ${print([part.steps, part.channels])}`);
    throw new ShapeError(
      `Feature files to be joined must have the same number of steps: ${shapes.join(', ')}`,
    );
  }
  return joinChannels(parts, steps);
}

/** Joins features along the channels; steps after the first `steps` are left out. */
export function joinChannels(parts: readonly Features[], steps: number): Features {
  if (parts.length === 1 && parts[0]!.steps === steps) return parts[0]!;
  const channels = parts.reduce((sum, part) => sum + part.channels, 0);
  const data = new Float32Array(steps * channels);
  let column = 0;
  for (const part of parts) {
    for (let step = 0; step < steps; step++) {
      const row = part.data.subarray(step * part.channels, (step + 1) * part.channels);
      data.set(row, step * channels + column);
    }
    column += part.channels;
  }
  return { steps, channels, data };
}
