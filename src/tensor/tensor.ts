import { DtypeError, ReleasedError, ShapeError } from '../errors.js';
import type { BufferRange } from '../gpu/commands.js';
import { type Dtype, dtypeBytes, fromBytes, type HostData, type NumberSource, toBytes } from './dtype.js';
import type { Runtime } from './runtime.js';
import { type Shape, sameShape, shapeText, sizeOf } from './shape.js';
import { Shared } from './shared.js';

/** A stretch of a buffer, shared by the tensors that are views of it. */
export class Storage extends Shared {
  constructor(
    readonly range: BufferRange,
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

  /** For the runtime; make tensors with `runtime.tensor` and its siblings. */
  constructor(
    readonly runtime: Runtime,
    readonly shape: Shape,
    readonly dtype: Dtype,
    storage: Storage,
  ) {
    this.size = sizeOf(shape);
    this.#storage = storage.retain();
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

  /** @throws ReleasedError after `dispose()`. */
  get storage(): Storage {
    if (!this.#storage) {
      throw new ReleasedError(`tensor ${this} was disposed: keep it out of the scope that freed it`);
    }
    return this.#storage;
  }

  /** The same elements in another shape; one axis may be -1. Shares the buffer. */
  reshape(shape: Shape): Tensor {
    const known = sizeOf(shape.filter((size) => size !== -1));
    const resolved = shape.map((size) => (size === -1 ? this.size / known : size));
    if (sizeOf(resolved) !== this.size || !resolved.every((size) => Number.isInteger(size) && size > 0)) {
      throw new ShapeError(`${this} cannot be reshaped to ${shapeText(shape)}`);
    }
    return new Tensor(this.runtime, resolved, this.dtype, this.storage);
  }

  /** Runs what is recorded and copies the elements to the host; f16 is widened to f32. */
  async read(): Promise<HostData> {
    const { range } = this.storage;
    const bytes = Math.ceil(this.bytes / 4) * 4;
    const data = await this.runtime.gpu.read({ ...range, bytes });
    return fromBytes(data, this.dtype, this.size);
  }

  /** Replaces the elements; takes effect after all that was recorded before. */
  write(data: NumberSource): void {
    if (data.length !== this.size) {
      throw new ShapeError(`${this} has ${this.size} elements, the data ${data.length}`);
    }
    this.runtime.upload(this, toBytes(data, this.dtype));
  }

  /**
   * Replaces the elements by those of another tensor of the same type and number; takes effect after all that
   * was recorded before. With it a captured step can feed its result to its next run.
   * @throws DtypeError, ShapeError
   */
  assign(source: Tensor): void {
    expectDtype(source, 'the source', this.dtype);
    if (source.size !== this.size) throw new ShapeError(`${this} cannot take the elements of ${source}`);
    if (source.storage === this.storage) return;
    for (const { storage } of [source, this]) this.runtime.hold(storage);
    this.runtime.gpu.record({ kind: 'copy', source: source.storage.range, target: this.storage.range });
  }

  /** Gives the buffer back once all that was recorded with it has run. Calling it twice is harmless. */
  dispose(): void {
    this.#storage?.release();
    this.#storage = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `${this.dtype}${shapeText(this.shape)}`;
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

/** The tensors in `value`: itself, or those inside its arrays and plain objects. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item);
  }
}
