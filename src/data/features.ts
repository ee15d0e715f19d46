import { DtypeError, FileFormatError, OptionError, ShapeError } from '../errors.js';
import { type NumericArray, toFloat32 } from './array.js';
import { readBytes } from './byte-source.js';
import { readNpy } from './npy.js';
import { readNpz } from './npz.js';
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

const print = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

const readers: Record<string, (path: string) => Promise<Map<string, NumericArray>>> = {
  '.npy': async (path) => new Map([['', readNpy(await readBytes(path), path)]]),
  '.npz': async (path) => readNpz(await readBytes(path), path),
  '.safetensors': async (path) => {
    const file = await openSafetensors(path);
    try {
      const arrays = new Map<string, NumericArray>();
      for (const name of file.tensors.keys()) arrays.set(name, await file.read(name));
      return arrays;
    } finally {
      await file.close();
    }
  },
};

/** `[1, T, C]` is how some extractors write [T, C]: one crop, or a batch of one. */
const squeeze = (array: NumericArray): NumericArray =>
  array.shape.length === 3 && array.shape[0] === 1 ? { ...array, shape: array.shape.slice(1) } : array;

/** The feature array of a file: the one named after `#`, or else the only one of rank 2. */
async function readFeatureArray(path: string): Promise<NumericArray> {
  const [, file, extension, wanted] = /^(.*(\.npy|\.npz|\.safetensors))(?:#(.*))?$/.exec(path) ?? [];
  const read = readers[extension ?? ''];
  if (!file || !read) throw new OptionError(`${path} is no feature file: give a .npy, .npz or .safetensors`);
  const arrays = [...(await read(file))].map(([name, array]) => [name, squeeze(array)] as const);
  const found =
    wanted === undefined
      ? arrays.filter(([, { shape }]) => arrays.length === 1 || shape.length === 2)
      : arrays.filter(([name]) => name === wanted);
  if (found.length === 1) return found[0]![1];
  const held = arrays.map(([name, { shape }]) => `${name} ${print(shape)}`).join(', ') || 'no array';
  throw new FileFormatError(
    wanted === undefined
      ? `${file} holds ${held}: name the features' array as ${file}#NAME`
      : `${file} holds no array ${wanted}, only ${held}`,
  );
}

async function readFeatures(path: string): Promise<Features> {
  const array = await readFeatureArray(path);
  const { dtype, shape } = array;
  if (shape.length !== 2) throw new ShapeError(`${path} is ${print(shape)}: features are [steps, channels]`);
  const [steps, channels] = shape as [number, number];
  if (steps === 0 || channels === 0) throw new ShapeError(`${path} is empty: its shape is ${print(shape)}`);
  if (!['f16', 'bf16', 'f32', 'f64'].includes(dtype)) {
    throw new DtypeError(`${path} holds ${dtype}: features are floating-point numbers, save them as float32`);
  }
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
 * @param paths `.npy`, `.npz` or `.safetensors` files of one array [T, C] each (or [1, T, C]), in f16, bf16,
 *   f32 or f64; `file.npz#name` picks one of several arrays
 * @throws FileAccessError, FileFormatError (also for NaN and infinities, with row and column), DtypeError,
 *   ShapeError where a file is not [T, C], is empty, or has other steps than the first, OptionError
 */
export async function loadFeatures(paths: readonly string[]): Promise<Features> {
  const [first, ...rest] = await Promise.all(paths.map(readFeatures));
  if (!first) throw new OptionError('No feature file was given');
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
