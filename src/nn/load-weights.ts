import { type Abortable, abortRules } from '../abort.js';
import { callback, integer, optional, type Rules } from '../arguments.js';
import type { FolderOptions } from '../data/files/source-folder.js';
import { bytesOf, bytesPerElement, type NumericArray, toFloat32 } from '../data/formats/array.js';
import type { Safetensors } from '../data/formats/safetensors.js';
import { FileFormatError } from '../errors.js';
import { cast } from '../ops/array/cast.js';
import { unpackHalves } from '../ops/array/unpack-halves.js';
import type { Runtime } from '../tensor/runtime.js';
import { sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { StoredWeight, WeightDtype } from './stored-weight.js';

/** Default of {@link LoadOptions.chunkBytes}. */
export const loadChunkBytes = 2 ** 25;

export interface LoadOptions extends Abortable {
  /** Bytes that are read at a time, default 32 MiB. Twice as many are in memory: the next are read ahead. */
  readonly chunkBytes?: number;
  /** Called as the loading goes on, with bytes of the file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** How the folder of a model is read. */
export interface ModelFolderOptions extends FolderOptions, Pick<LoadOptions, 'onProgress'> {}

export const modelFolderRules: Rules<ModelFolderOptions> = {
  ...abortRules,
  onProgress: optional(callback),
};

export const loadRules: Rules<LoadOptions> = {
  chunkBytes: optional(integer(1)),
  onProgress: optional(callback),
  ...abortRules,
};

/**
 * Fills weights from a checkpoint that holds all of them (`checkTensors`). Every element passes through the host once, in
 * parts, as it is stored; what the weight keeps in another type or quantised becomes that on the device, part by part.
 * @throws FileFormatError where an element is no number, or beyond the weight's range
 */
export async function loadWeights(
  runtime: Runtime,
  weights: ReadonlyMap<string, StoredWeight>,
  checkpoint: Safetensors,
  { chunkBytes = loadChunkBytes, onProgress, signal }: LoadOptions,
): Promise<void> {
  signal?.throwIfAborted();
  let total = 0;
  for (const name of weights.keys()) total += checkpoint.tensors.get(name)!.byteLength;
  let done = 0;
  let pending = 0;
  for (const [name, weight] of weights) {
    for await (const { start, end, floats, bytes } of chunks(checkpoint, name, weight, chunkBytes)) {
      checkNumbers(floats, weight.range, `${checkpoint.name}: ${name}`);
      weight.fill(start, end, (part) => upload(part, floats));
      pending += bytes;
      done += bytes;
      if (pending >= chunkBytes) {
        // The driver keeps copies of what was uploaded until the device has it.
        await runtime.finish();
        pending = 0;
      }
      onProgress?.(done, total);
      signal?.throwIfAborted();
    }
  }
  await runtime.finish();
  // What the parts passed through is not kept for later.
  await runtime.trim();
}

interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly floats: Floats;
  /** What it takes in the file. */
  readonly bytes: number;
}

/** A stored tensor in parts that begin where the weight can be filled; the next is read while one is worked on. */
async function* chunks(
  checkpoint: Safetensors,
  name: string,
  { shape, partAlignment: unit }: StoredWeight,
  chunkBytes: number,
): AsyncGenerator<Chunk> {
  const size = sizeOf(shape);
  const stored = bytesPerElement(checkpoint.tensors.get(name)!.dtype!);
  const most = unit * Math.max(1, Math.floor(chunkBytes / stored / unit));
  const read = (start: number) => {
    const end = Math.min(start + most, size);
    const array = checkpoint.readElements(name, { start, end });
    // Whoever gives up between two parts does not wait for the second.
    array.catch(() => {});
    return { start, end, array };
  };
  let next = read(0);
  for (;;) {
    const { start, end } = next;
    const array = await next.array;
    if (end < size) next = read(end);
    yield { start, end, floats: floatsOf(array), bytes: array.data.byteLength };
    if (end === size) return;
  }
}

/** Elements of a type that kernels can read, in whole words. */
interface Floats {
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly words: Uint32Array<ArrayBuffer>;
}

/** The elements as they are stored where kernels can read them, else as f32. */
function floatsOf(array: NumericArray): Floats {
  const { dtype, shape } = array;
  if (dtype === 'f16' || dtype === 'bf16') return { dtype, words: wordsOf(bytesOf(array)) };
  const wide = { dtype: 'f32', shape, data: toFloat32(array) as Float32Array<ArrayBuffer> } as const;
  return { dtype: 'f32', words: wordsOf(bytesOf(wide)) };
}

/** The same bytes, with zeros after them where they end within a word; copied only for that or for alignment. */
function wordsOf(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const count = Math.ceil(bytes.length / 4);
  if (bytes.length % 4 === 0 && bytes.byteOffset % 4 === 0) {
    return new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
  }
  const words = new Uint32Array(count);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** Records the upload of stored elements into a tensor of as many, which may be the part of a weight. */
function upload(part: Tensor, { dtype, words }: Floats): void {
  const { runtime } = part;
  const to = part.dtype as WeightDtype;
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  if (dtype === to) {
    runtime.upload(part, bytes);
  } else if (dtype === 'f32') {
    const wide = runtime.empty([part.size]);
    runtime.upload(wide, bytes);
    part.assign(cast(wide, to));
  } else {
    const packed = runtime.empty([words.length], 'u32');
    runtime.upload(packed, bytes);
    part.assign(unpackHalves({ packed }, { format: dtype, count: part.size, to }));
  }
}

/** The bits of the smallest magnitude of a stored type that is beyond a range: for f32, infinity. */
const firstTooLarge = {
  f32: { f32: 0x7f80_0000, f16: 0x477f_f000 },
  f16: { f32: 0x7c00, f16: 0x7c00 },
  bf16: { f32: 0x7f80, f16: 0x4780 },
} as const;

/**
 * Looks at bits, not at values: of two magnitudes the larger has the larger bits, and infinity and NaN have the largest.
 * @throws FileFormatError
 */
function checkNumbers({ dtype, words }: Floats, range: WeightDtype, where: string): void {
  const limits = firstTooLarge[dtype];
  const found = (dtype === 'f32' ? wordFrom : halfFrom)(words, limits[range]);
  if (found === undefined) return;
  throw new FileFormatError(
    found < limits.f32
      ? `${where} holds a number beyond the range of f16: load the weights as f32`
      : `${where} holds NaN or infinity: the file is damaged`,
  );
}

/** The first of some f32 bits without their sign that is at least `limit`. */
function wordFrom(words: Uint32Array, limit: number): number | undefined {
  for (let i = 0; i < words.length; i++) {
    const magnitude = words[i]! & 0x7fff_ffff;
    if (magnitude >= limit) return magnitude;
  }
  return undefined;
}

/** The same of 16-bit floats, two in a word. */
function halfFrom(words: Uint32Array, limit: number): number | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const low = word & 0x7fff;
    const high = (word >>> 16) & 0x7fff;
    if (low >= limit) return low;
    if (high >= limit) return high;
  }
  return undefined;
}
