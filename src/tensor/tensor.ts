/// <reference lib="esnext.disposable" preserve="true" />
import { checkArgument, described, instanceOf, integer, listOf, numbers, type Rule } from '../arguments.js';
import { DtypeError, FeatureError, GpuError, OptionError, ReleasedError, ShapeError } from '../errors.js';
import type { BufferRange } from '../gpu/commands.js';
import type { PooledBuffer } from '../gpu/pool.js';
import { inspected } from '../inspected.js';
import { type Dtype, dtypeBytes, fromBytes, type HostData, type NumberSource, toBytes } from './dtype.js';
import type { Runtime } from './runtime.js';
import { type Shape, sameShape, shapeText, sizeOf } from './shape.js';
import { Shared } from './shared.js';

/** A buffer, shared by the tensors that are views of it. */
export class Storage extends Shared {
  constructor(
    readonly buffer: PooledBuffer,
    onRelease: () => void,
  ) {
    super(onRelease);
  }
}

/**
 * A dense row-major array on the device. Operations on tensors are recorded and run at the next read or
 * flush. A tensor lives until `dispose()`, the end of its `using` block or of its `runtime.scope`.
 */
export class Tensor {
  readonly size: number;
  #storage: Storage | undefined;

  /** @internal For the runtime; make tensors with `runtime.tensor` and its siblings. */
  constructor(
    readonly runtime: Runtime,
    readonly shape: Shape,
    readonly dtype: Dtype,
    storage: Storage,
    /** Byte of the buffer where the elements begin. */
    readonly offset = 0,
  ) {
    if (!(storage instanceof Storage)) {
      throw new OptionError(
        'Tensor: make one with runtime.tensor, runtime.empty, runtime.zeros or runtime.wrap',
      );
    }
    this.size = sizeOf(shape);
    this.#storage = storage.retain();
    runtime.tensorMade(this);
    runtime.adopt(this);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Bytes that the elements take. */
  get bytes(): number {
    return this.size * dtypeBytes[this.dtype];
  }

  get isDisposed(): boolean {
    return this.#storage === undefined;
  }

  /** @throws ReleasedError after `dispose()` and after the end of the runtime; DeviceLostError. */
  get storage(): Storage {
    this.runtime.gpu.check();
    if (!this.#storage) {
      throw new ReleasedError(`tensor ${this} was disposed: keep it out of the scope that freed it`);
    }
    return this.#storage;
  }

  /** Where the elements lie; whole words, as WebGPU wants them. @throws ReleasedError after `dispose()`. */
  get range(): BufferRange {
    return { buffer: this.storage.buffer, offset: this.offset, bytes: wholeWords(this.bytes) };
  }

  /** The same elements in another shape; one axis may be -1. Shares the buffer. */
  reshape(shape: Shape): Tensor {
    checkArgument('reshape', 'shape', shape, sizes);
    const known = sizeOf(shape.filter((size) => size !== -1));
    const resolved = shape.map((size) => (size === -1 ? this.size / known : size));
    if (sizeOf(resolved) !== this.size || !resolved.every((size) => Number.isInteger(size) && size > 0)) {
      throw new ShapeError(`reshape: ${this} cannot be reshaped to ${shapeText(shape)}`);
    }
    const view = new Tensor(this.runtime, resolved, this.dtype, this.storage, this.offset);
    const { tape } = this.runtime;
    if (tape?.follows(this)) {
      tape.record([this], [view], {}, (_, [gradient]) => [gradient?.reshape(this.shape)]);
    }
    return view;
  }

  /**
   * Rows `begin` to `end` (excluded) of the first axis, sharing the buffer.
   * @throws ShapeError
   * @throws FeatureError where the first of them does not begin at a byte that the device can bind (`rowAlignment`)
   */
  rows(begin: number, end: number): Tensor {
    checkArgument('rows', 'begin', begin, index);
    checkArgument('rows', 'end', end, index);
    const [count = 0, ...rest] = this.shape;
    if (!(begin < end && end <= count)) {
      throw new ShapeError(`rows: ${this} has no rows ${begin} to ${end}`);
    }
    const alignment = this.rowAlignment;
    if (begin % alignment !== 0) {
      throw new FeatureError(
        `rows: those of ${this} can be viewed from every ${alignment}th on, not from row ${begin}`,
      );
    }
    if (this.runtime.tape?.follows(this)) {
      throw new OptionError(`rows: a view of ${this} has no gradient: use narrow`);
    }
    const offset = this.offset + begin * (this.bytes / count);
    return new Tensor(this.runtime, [end - begin, ...rest], this.dtype, this.storage, offset);
  }

  /** Every how many rows of the first axis one begins at a byte that the device can bind. */
  get rowAlignment(): number {
    const alignment = this.runtime.traits.limits.minStorageBufferOffsetAlignment;
    return alignment / greatestCommonDivisor(alignment, this.bytes / (this.shape[0] ?? 1));
  }

  /** Runs what is recorded and copies the elements to the host; f16 is widened to f32. */
  async read(): Promise<HostData> {
    const data = await this.runtime.gpu.read(this.range);
    return fromBytes(data, this.dtype, this.size);
  }

  /** Replaces the elements; takes effect after all that was recorded before. */
  write(data: NumberSource): void {
    checkTensor('write', 'the tensor', this);
    checkArgument('write', 'data', data, numbers);
    if (data.length !== this.size) {
      throw new ShapeError(`write: ${this} has ${this.size} elements, the data ${data.length}`);
    }
    this.runtime.upload(this, toBytes(data, this.dtype));
  }

  /**
   * Replaces the elements by those of another tensor of the same type and number; takes effect after all that
   * was recorded before. With it a captured step can feed its result to its next run.
   * @throws DtypeError, ShapeError
   */
  assign(source: Tensor): void {
    checkTensor('assign', 'the tensor', this);
    checkTensor('assign', 'source', source);
    if (source.runtime !== this.runtime) {
      throw new OptionError(`assign: source ${source} belongs to another runtime`);
    }
    expectDtype(source, 'assign: source', this.dtype);
    if (source.size !== this.size)
      throw new ShapeError(`assign: ${this} cannot take the elements of ${source}`);
    if (source.storage === this.storage) {
      if (source.offset === this.offset) return;
      throw new GpuError(`assign: ${this} and the source are views of one buffer: copy the source first`);
    }
    for (const { storage } of [source, this]) this.runtime.hold(storage);
    this.runtime.gpu.record({ kind: 'copy', source: source.range, target: this.range });
  }

  /** Gives the buffer back once all that was recorded with it has run. Calling it twice is harmless. */
  dispose(): void {
    if (!this.#storage) return;
    this.#storage.release();
    this.#storage = undefined;
    this.runtime.tensorDisposed(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `${this.dtype}${shapeText(this.shape)}`;
  }

  /** For `console.log` in Node: `Tensor f32[2, 3] (24 bytes)`. */
  [inspected](): string {
    return `Tensor ${this} (${this.isDisposed ? 'disposed' : `${this.bytes} bytes`})`;
  }
}

const index = integer(0);
const sizes = listOf(integer(-1), 'a list of sizes, one of which may be -1');

function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export const anyTensor: Rule<Tensor> = instanceOf(Tensor, 'a tensor');

/** @throws OptionError where it is no tensor, ReleasedError where it was disposed */
export function checkTensor(where: string, name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) {
    throw new OptionError(`${where}: ${name} must be a tensor, not ${described(value)}`);
  }
  if (value.isDisposed) {
    throw new ReleasedError(
      `${where}: ${name} ${value} was disposed: keep it out of the scope that freed it`,
    );
  }
}

/** @throws DtypeError unless the tensor has one of these types. */
export function expectDtype(tensor: Tensor, name: string, ...dtypes: Dtype[]): void {
  if (!dtypes.includes(tensor.dtype)) {
    throw new DtypeError(`${name} must be ${dtypes.join(' or ')}, not ${tensor}`);
  }
}

/** @throws ShapeError unless the tensor has this shape. */
export function expectShape(tensor: Tensor, name: string, shape: Shape): void {
  if (!sameShape(tensor.shape, shape)) {
    throw new ShapeError(`${name} must have the shape ${shapeText(shape)}, not ${shapeText(tensor.shape)}`);
  }
}

/** The tensors in `value`: itself, or those inside its arrays, Maps, Sets and plain objects. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
    // An entry of a Map is an array of its key and its value.
    for (const item of value) yield* tensorsIn(item);
  } else if (value && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item);
  }
}

/** `value` with other tensors in the places of those that `tensorsIn` gives, in its order. */
export function replaceTensors<T>(value: T, tensors: Iterator<Tensor>): T {
  const replaced = (part: unknown): unknown => {
    if (part instanceof Tensor) return tensors.next().value;
    if (Array.isArray(part)) return part.map(replaced);
    if (part instanceof Map) return new Map([...part].map(([key, item]) => [replaced(key), replaced(item)]));
    if (part instanceof Set) return new Set([...part].map(replaced));
    if (!part || Object.getPrototypeOf(part) !== Object.prototype) return part;
    return Object.fromEntries(Object.entries(part).map(([name, field]) => [name, replaced(field)]));
  };
  return replaced(value) as T;
}
