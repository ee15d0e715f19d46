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
import { DtypeError, FileFormatError, OptionError, ShapeError } from '../../errors.js';
import { readBytes } from '../files/byte-source.js';
import { type ArrayDtype, elementCount, type NumericArray, toFloat32 } from './array.js';
import { parseNpy } from './npy.js';
import { type OnSkipped, openNpz } from './npz.js';
import { openSafetensors } from './safetensors.js';

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

const crops: Rule<Crop> = rule(
  `'mean' or an integer from 0 to ${CROPS - 1}`,
  (value) => value === 'mean' || (Number.isInteger(value) && Number(value) >= 0 && Number(value) < CROPS),
);
export const featuresRule: Rule<Features> = objectWith<Features>({
  steps: integer(1),
  channels: integer(1),
  data: instanceOf(Float32Array, 'a Float32Array'),
});

const print = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** An array of a file that has not been read yet. */
interface StoredArray {
  /** Undefined where it holds no numbers that are read. */
  readonly dtype: ArrayDtype | undefined;
  /** What it holds where `dtype` is undefined. */
  readonly otherKind: string;
  readonly shape: readonly number[];
}

interface ArrayFile {
  readonly arrays: ReadonlyMap<string, StoredArray>;
  read(name: string): NumericArray | Promise<NumericArray>;
  close?(): Promise<void>;
}

/** Opens a file; the array that is wanted may be the only one that is looked at. */
const openers: Record<string, (path: string, wanted: string | undefined) => Promise<ArrayFile>> = {
  '.npy': async (path) => {
    const file = parseNpy(await readBytes(path), path);
    return { arrays: new Map([['', file]]), read: file.read };
  },
  '.npz': async (path, wanted) => {
    const files = await openNpz(await readBytes(path), path, wanted === undefined ? {} : { names: [wanted] });
    return { arrays: files, read: (name) => files.get(name)!.read() };
  },
  '.safetensors': async (path) => {
    const file = await openSafetensors(path);
    const arrays = [...file.tensors].map(
      ([name, { dtype, storedDtype, shape }]) =>
        [name, { dtype, otherKind: `${storedDtype} elements`, shape }] as const,
    );
    return { arrays: new Map(arrays), read: (name) => file.read(name), close: () => file.close() };
  },
};

const floats: readonly (ArrayDtype | undefined)[] = ['f16', 'bf16', 'f32', 'f64'];

/** Whether an array is [T, C], or [crops, T, C] of one crop (as some extractors write [T, C]) or ten, and has elements. */
function canBeFeatures({ dtype, shape }: StoredArray): boolean {
  const matrix = shape.length === 2 || (shape.length === 3 && (shape[0] === 1 || shape[0] === CROPS));
  return matrix && floats.includes(dtype) && elementCount(shape) > 0;
}

/** The name of the only array that can be features; of the only array, which is then refused for what it is. */
function onlyFeatures(file: string, arrays: ReadonlyMap<string, StoredArray>): string {
  const all = [...arrays];
  const candidates = all.length === 1 ? all : all.filter(([, array]) => canBeFeatures(array));
  if (candidates.length === 1) return candidates[0]![0];
  if (candidates.length > 1) {
    const held = candidates.map(([name, { shape }]) => `${name} ${print(shape)}`).join(', ');
    throw new FileFormatError(`${file} holds ${held}: name the features' array as ${file}#NAME`);
  }
  const held = all.map(
    ([name, array]) => `${name} ${print(array.shape)} of ${array.dtype ?? array.otherKind}`,
  );
  throw new FileFormatError(
    `${file} holds no floating-point array [steps, channels], only ${held.join(', ') || 'no array'}`,
  );
}

/** The parts of `FILE` or `FILE#NAME`. @throws OptionError where the file is of no kind that holds features */
export function featurePath(path: string): { file: string; extension: string; name: string | undefined } {
  const [, file, extension, name] = /^(.*?(\.npy|\.npz|\.safetensors))(?:#(.*))?$/s.exec(path) ?? [];
  if (!file || !extension)
    throw new OptionError(`${path} is no feature file: give a .npy, .npz or .safetensors`);
  return { file, extension, name };
}

/** The feature array of a file: the one named after `#`, or else the only one that can be features. */
async function readFeatureArray(path: string, onSkipped: OnSkipped | undefined): Promise<NumericArray> {
  const { file, extension, name: wanted } = featurePath(path);
  const source = await openers[extension]!(file, wanted);
  try {
    const name = wanted ?? onlyFeatures(file, source.arrays);
    if (!source.arrays.has(name)) {
      const held = [...source.arrays].map(([name, { shape }]) => `${name} ${print(shape)}`);
      throw new FileFormatError(`${file} holds no array ${name}, only ${held.join(', ') || 'no array'}`);
    }
    const array = await source.read(name);
    for (const [other, { dtype, otherKind }] of source.arrays) {
      if (other !== name && !dtype) onSkipped?.(`${file}#${other}`, otherKind);
    }
    return array;
  } finally {
    await source.close?.();
  }
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
  const stored = await readFeatureArray(path, onSkipped);
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
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new FileFormatError(
      `${path} holds ${data[bad]} in row ${Math.floor(bad / channels)}, column ${bad % channels} (from 0): ` +
        'extract these features again',
    );
  }
  return { steps, channels, data };
}

/**
 * Loads a video's features. Several files are joined along the channels in the given order (I3D: RGB, then
 * flow) and must have the same number of steps.
 * @param paths `.npy`, `.npz` or `.safetensors` files with an array [T, C] each (or [1, T, C], or ten crops [10, T, C]),
 *   in f16, bf16, f32 or f64. Without a name, the only array of the file that can be that is taken, whatever else is in
 *   it; `file.npz#name` picks one
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
    crop: optional(crops),
    onSkipped: optional(callback),
  });
  const [first, ...rest] = (await Promise.all(paths.map((path) => readFeatures(path, options)))) as [
    Features,
    ...Features[],
  ];
  if (rest.length === 0) return first;
  const parts = [first, ...rest];
  if (rest.some(({ steps }) => steps !== first.steps)) {
    const shapes = parts.map(({ steps, channels }, i) => `${paths[i]} ${print([steps, channels])}`);
    throw new ShapeError(
      `Feature files to be joined must have the same number of steps: ${shapes.join(', ')}`,
    );
  }
  const channels = parts.reduce((sum, part) => sum + part.channels, 0);
  const data = new Float32Array(first.steps * channels);
  let column = 0;
  for (const part of parts) {
    for (let step = 0; step < part.steps; step++) {
      const row = part.data.subarray(step * part.channels, (step + 1) * part.channels);
      data.set(row, step * channels + column);
    }
    column += part.channels;
  }
  return { steps: first.steps, channels, data };
}
