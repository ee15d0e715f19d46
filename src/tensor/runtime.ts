/// <reference lib="esnext.disposable" preserve="true" />
import { type Abortable, abortRules, untilAborted } from '../abort.js';
import {
  anyNumber,
  callback,
  checkArgument,
  checkFields,
  either,
  flag,
  instanceOf,
  integer,
  numbers,
  object,
  objectWith,
  optional,
  type Rule,
  type Rules,
  rule,
  text,
  valuesOf,
} from '../arguments.js';
import {
  type DeviceLostError,
  FeatureError,
  OptionError,
  type ReleasedError,
  ShapeError,
} from '../errors.js';
import type { LaunchOrigin } from '../gpu/commands.js';
import { Gpu, type GpuOptions, gpuRules } from '../gpu/gpu.js';
import type { KernelSource } from '../gpu/kernel-source.js';
import { newBufferId, type PoolStatistics } from '../gpu/pool.js';
import type { Measurement } from '../gpu/timing.js';
import type { DeviceTraits } from '../gpu/traits.js';
import type { GPUBuffer } from '../gpu/webgpu.js';
import { inspected } from '../inspected.js';
import { Capture, CapturePool } from './capture.js';
import { checkDtype, type Dtype, dtypeBytes, type NumberSource, toBytes } from './dtype.js';
import { dispatchOf, type Launch, OwnKernels } from './launch.js';
import { type LiveTensor, LiveTensors } from './live-tensors.js';
import type { Freeable } from './owner.js';
import { Profile } from './profile.js';
import { checkShape, type Shape, shapeText, sizeOf } from './shape.js';
import type { Shared } from './shared.js';
import type { Tape } from './tape.js';
import { Storage, Tensor, tensorsIn } from './tensor.js';
import { Tuning } from './tuning.js';
import { loadTuning } from './tuning-store.js';

export interface RuntimeOptions extends GpuOptions {
  /** Fill every new tensor with NaN bits first, so that an element that no kernel wrote shows. For tests. */
  readonly poison?: boolean;
  /** Remember where each tensor is made, for {@link Runtime.liveTensors}. Slow: for finding leaks. */
  readonly traceTensors?: boolean;
  /**
   * Which variants were measured to be fastest on this device. Default: what `tal bench --tune` has stored for it in
   * the user's cache (Node only), or what each operation prefers where there is nothing.
   */
  readonly tuning?: Tuning;
}

const runtimeRules: Rules<RuntimeOptions> = {
  ...gpuRules,
  poison: optional(flag),
  traceTensors: optional(flag),
  tuning: optional(instanceOf(Tuning)),
};

/** What the tensors of a runtime take. */
export interface MemoryStatistics extends PoolStatistics {
  /** Tensors that were made and not disposed, views included. */
  readonly liveTensors: number;
}

const anyBuffer: Rule<GPUBuffer> = rule('a GPUBuffer', (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { size, usage } = value as Partial<GPUBuffer>;
  return typeof size === 'number' && typeof usage === 'number';
});

const side = integer(1);

/** Modules do not change: what was found to be one is not looked at again. */
const seenKernels = new WeakSet<object>();

const kernelRule: Rule<KernelSource> = {
  ...rule<KernelSource>('the module of a kernel, with name, text and imports', (value) => {
    if (typeof value !== 'object' || value === null) return false;
    if (seenKernels.has(value)) return true;
    const sound = kernelParts.accepts(value);
    if (sound) seenKernels.add(value);
    return sound;
  }),
  fault: (name, value) => kernelParts.fault?.(name, value),
};

const kernelParts = objectWith<KernelSource>({ name: text, text, imports: valuesOf(kernelRule) });

const launchRules: Rules<Launch> = {
  kernel: optional(kernelRule),
  source: optional(text),
  name: optional(text),
  constants: optional(
    valuesOf(optional(either(either(anyNumber, flag), text))) as Rule<NonNullable<Launch['constants']>>,
  ),
  buffers: object as Rule<Launch['buffers']>,
  params: optional(valuesOf(anyNumber)),
  workgroups: rule(
    'one to three integers of at least 1',
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= 3 &&
      value.every((size, axis) => (axis > 0 && size === undefined) || side.accepts(size)),
  ),
};

/**
 * The tensor runtime: makes tensors, records launches, frees what scopes leave behind.
 *
 * @example
 * const runtime = await Runtime.create();
 * const a = runtime.tensor([1, 2, 3, 4], [2, 2]);
 * console.log(await matmul({ a, b: a }).read());
 * runtime.destroy();
 */
export class Runtime {
  /** Which variants operations choose on this device before they go by their own preference. */
  readonly tuning: Tuning;
  readonly #poison: boolean;
  readonly #live: LiveTensors;
  #scopes: Set<Tensor>[] = [];
  /** What was made in the innermost `detached`, outside of scopes in it; undefined outside of any. */
  #made: Set<Freeable> | undefined;
  #capturePool: CapturePool | undefined;
  readonly #ownKernels = new OwnKernels();
  #tape: Tape | undefined;
  #origin: LaunchOrigin | undefined;

  private constructor(
    readonly gpu: Gpu,
    options: RuntimeOptions,
  ) {
    if (!(gpu instanceof Gpu)) throw new OptionError('Runtime: make one with Runtime.create');
    this.#poison = options.poison ?? false;
    this.#live = new LiveTensors(options.traceTensors ?? false);
    this.tuning = options.tuning ?? loadTuning(gpu.traits);
  }

  /**
   * Opens a device (see {@link GpuOptions}), which `destroy` closes. A Node process ends by itself even where
   * that is forgotten. @throws NoAdapterError, OptionError, DeviceLostError
   */
  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    checkFields('Runtime.create', options, runtimeRules);
    return new Runtime(await Gpu.open(options), options);
  }

  get traits(): DeviceTraits {
    return this.gpu.traits;
  }

  /**
   * Resolves once nothing can run here any more, as `GPUDevice.lost` does, with the error that all later calls throw:
   * {@link DeviceLostError} when the device was lost, {@link ReleasedError} after `destroy`. It never rejects.
   *
   * @example
   * runtime.lost.then((error) => error instanceof DeviceLostError && startAgain());
   */
  get lost(): Promise<DeviceLostError | ReleasedError> {
    return this.gpu.ended;
  }

  /** What records the operations for differentiation at the moment; nothing when undefined. */
  get tape(): Tape | undefined {
    return this.#tape;
  }

  /** @internal Runs `body` while `tape` records, or none. */
  withTape<T>(tape: Tape | undefined, body: () => T): T {
    const outer = this.#tape;
    this.#tape = tape;
    try {
      return body();
    } finally {
      this.#tape = outer;
    }
  }

  /** @internal Runs `body`, whose launches an operation makes. */
  withOrigin<T>(origin: LaunchOrigin, body: () => T): T {
    const outer = this.#origin;
    this.#origin = origin;
    try {
      return body();
    } finally {
      this.#origin = outer;
    }
  }

  /** Tensors that are alive, their buffers and the bytes of these. */
  get memory(): MemoryStatistics {
    return { liveTensors: this.#live.count, ...this.gpu.buffers.statistics };
  }

  /**
   * The tensors that are alive, in the order in which they were made, each with where that was. They are held until they
   * are disposed. @throws OptionError unless the runtime was opened with `traceTensors`; ReleasedError after `destroy`
   *
   * @example
   * const runtime = await Runtime.create({ traceTensors: true });
   * const before = runtime.liveTensors().length;
   * step();
   * console.log(runtime.liveTensors().slice(before));
   */
  liveTensors(): readonly LiveTensor[] {
    this.gpu.check();
    if (!this.#live.traced) {
      throw new OptionError('liveTensors: open the runtime with Runtime.create({ traceTensors: true })');
    }
    return this.#live.list();
  }

  /** A tensor with the given elements, row-major; the shape defaults to one axis. */
  tensor(data: NumberSource, shape?: Shape, dtype: Dtype = 'f32'): Tensor {
    checkArgument('tensor', 'data', data, numbers);
    checkDtype('tensor', dtype);
    const sizes = shape === undefined ? [data.length] : shape;
    checkShape('tensor', sizes);
    if (sizeOf(sizes) !== data.length) {
      throw new ShapeError(`tensor: shape ${shapeText(sizes)} does not hold ${data.length} elements`);
    }
    const bytes = toBytes(data, dtype);
    const tensor = this.#allocate(sizes, dtype);
    this.upload(tensor, bytes);
    return tensor;
  }

  /** A tensor whose elements are not set: for an operation to write. */
  empty(shape: Shape, dtype: Dtype = 'f32'): Tensor {
    checkDtype('empty', dtype);
    checkShape('empty', shape);
    const tensor = this.#allocate(shape, dtype);
    if (this.#poison) this.upload(tensor, new Uint8Array(tensor.range.bytes).fill(0xff));
    return tensor;
  }

  zeros(shape: Shape, dtype: Dtype = 'f32'): Tensor {
    checkDtype('zeros', dtype);
    checkShape('zeros', shape);
    return this.tensor(new Float32Array(sizeOf(shape)), shape, dtype);
  }

  /** A view of the caller's buffer (usage STORAGE | COPY_SRC | COPY_DST), never destroyed here. */
  wrap(buffer: GPUBuffer, shape: Shape, dtype: Dtype = 'f32', offset = 0): Tensor {
    this.gpu.check();
    checkArgument('wrap', 'buffer', buffer, anyBuffer);
    checkDtype('wrap', dtype);
    checkArgument('wrap', 'offset', offset, integer(0));
    checkShape('wrap', shape);
    const bytes = this.#bytesOf(shape, dtype);
    const alignment = this.traits.limits.minStorageBufferOffsetAlignment;
    if (offset % alignment !== 0) {
      throw new OptionError(`wrap: offset must be a multiple of ${alignment}, not ${offset}`);
    }
    const usage = this.gpu.buffers.usage;
    if ((buffer.usage & usage) !== usage) {
      throw new OptionError('wrap: buffer must be made with usage STORAGE | COPY_SRC | COPY_DST');
    }
    if (offset + bytes > buffer.size) {
      throw new ShapeError(
        `wrap: shape ${shapeText(shape)} needs ${offset + bytes} bytes, the buffer has ${buffer.size}`,
      );
    }
    const pooled = { id: newBufferId(), buffer, bytes: buffer.size };
    return new Tensor(this, [...shape], dtype, new Storage(pooled, () => {}), offset);
  }

  /**
   * Records one launch of a kernel: of a `source` of the caller's own, or of a `kernel` that is a module, as the
   * operations do. It runs with the next flush or read, which rejects with {@link GpuError} where the kernel does not
   * compile; the error gives the kernel's name, the line and the compiler's words. It has no gradient.
   * @throws OptionError unless there is one of `kernel` and `source`
   * @throws GpuError where the launch does not fit the kernel
   *
   * @example
   * runtime.launch({ source: wgsl, buffers: { x, out }, params: { count: x.size }, workgroups: [Math.ceil(x.size / 64)] });
   */
  launch(launch: Launch): void {
    checkFields('launch', launch, launchRules, 'field');
    const { kernel, source, name } = launch;
    if ((kernel === undefined) === (source === undefined)) {
      throw new OptionError(
        `launch: one of kernel and source must be given, not ${kernel ? 'both' : 'neither'}`,
      );
    }
    if (kernel && name !== undefined) {
      throw new OptionError('launch: name must be left out beside kernel, which has its own');
    }
    const made = kernel ?? this.#ownKernels.get(source!, name);
    this.gpu.record(dispatchOf(this, made, launch, this.#origin));
  }

  /** @internal For tensors: records new elements, as bytes, for all that runs later. */
  upload({ storage, range }: Tensor, data: Uint8Array<ArrayBuffer>): void {
    this.hold(storage);
    this.gpu.record({ kind: 'upload', target: range, data });
  }

  /** @internal For whatever records a command: keeps what the command uses for as long as a capture may repeat it. */
  hold(used: Shared): void {
    this.#capturePool?.hold(used);
  }

  /** @internal For tensors: counts a new one. */
  tensorMade(tensor: Tensor): void {
    this.#live.add(tensor, this.#origin?.operation);
  }

  /** @internal For tensors: counts one no longer. */
  tensorDisposed(tensor: Tensor): void {
    this.#live.delete(tensor);
  }

  /** @internal For tensors and owners: enters a new one where it is freed: a tensor in the scope at hand. */
  adopt(made: Freeable): void {
    const scope = made instanceof Tensor ? this.#scopes.at(-1) : undefined;
    if (scope) scope.add(made as Tensor);
    else this.#made?.add(made);
  }

  /**
   * Runs `body` and disposes every tensor made in it, except those it returns (as a tensor or inside arrays,
   * Maps, Sets and plain objects). `body` must be synchronous.
   */
  scope<T>(body: () => T): T {
    return this.#scope('scope', body);
  }

  #scope<T>(where: string, body: () => T): T {
    checkArgument(where, 'body', body, callback);
    const made = new Set<Tensor>();
    this.#scopes.push(made);
    let result: T | undefined;
    try {
      result = body();
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new OptionError(`${where}: body must be synchronous: read results outside of it`);
      }
    } finally {
      this.#scopes.pop();
      const kept = new Set(tensorsIn(result));
      for (const tensor of made) {
        if (kept.has(tensor)) this.adopt(tensor);
        else tensor.dispose();
      }
    }
    return result;
  }

  /**
   * Runs `body` outside of all scopes: what it makes lives until it is disposed. Where `body` throws, all that it made is
   * freed.
   * @param made gets what `body` makes; for owners, which free it
   */
  detached<T>(body: () => T, made?: Set<Freeable>): T {
    checkArgument('detached', 'body', body, callback);
    checkArgument('detached', 'made', made, optional(instanceOf(Set, 'a Set')));
    const [scopes, outer] = [this.#scopes, this.#made];
    const all = made ?? new Set<Freeable>();
    this.#scopes = [];
    this.#made = all;
    try {
      const result = body();
      // Without an owner it is part of what surrounds it.
      if (!made && outer) for (const each of all) outer.add(each);
      return result;
    } catch (error) {
      for (const each of all) each.dispose();
      throw error;
    } finally {
      this.#scopes = scopes;
      this.#made = outer;
    }
  }

  /**
   * Records `body` once, with its buffers planned, for running many times without the JavaScript of its
   * operations. Tensors from outside are inputs: change them with `write` between the runs. What `body`
   * returns is the capture's `outputs`, whatever scope it is made in.
   * @param options.signal ends the wait for the compilation of its kernels
   */
  async capture<T>(body: () => T, options: Abortable = {}): Promise<Capture<T>> {
    checkArgument('capture', 'body', body, callback);
    checkFields('capture', options, abortRules);
    const { signal } = options;
    signal?.throwIfAborted();
    const pool = new CapturePool(this.gpu.buffers);
    let outputs: T | undefined;
    try {
      const commands = this.gpu.capture(() => {
        this.#capturePool = pool;
        try {
          outputs = this.detached(() => this.#scope('capture', body), new Set());
        } finally {
          this.#capturePool = undefined;
        }
      });
      const program = await untilAborted(this.gpu.prepare(commands), signal, (late) => this.gpu.forget(late));
      return new Capture(this, program, outputs as T, pool);
    } catch (error) {
      for (const tensor of tensorsIn(outputs)) tensor.dispose();
      pool.close();
      throw error;
    }
  }

  /**
   * Runs `body` in a scope and times the kernels it records; compilation does not count. Waits for earlier
   * work first; the tensors that `body` returns are disposed.
   */
  async measure(body: () => unknown): Promise<Measurement> {
    checkArgument('measure', 'body', body, callback);
    // A scope around it, so that the tensors that are returned go too.
    return this.gpu.measure(() => this.scope(() => void this.#scope('measure', body)));
  }

  /**
   * Runs `body`, which may be asynchronous, and times each kernel launch that is recorded until it ends, those of replayed
   * captures included; what is encoded into the caller's own encoder is not. Waits for earlier work first. Tensors that
   * `body` makes outside of a scope live on, also those that it does not return.
   *
   * Where the device has timestamps (`traits.timestamps`), each launch is a compute pass of its own, and its time is from the
   * beginning to the end of the pass by the device's clock (`clock: 'gpu'`). Elsewhere each launch is a submission of
   * its own, and its time is that until the host is told of its end (`clock: 'host'`): the way there and back is in it, so
   * that short kernels seem longer than they are. In both cases launches do not overlap, and the work as a whole takes
   * longer than without a profile; `measure` gives that time.
   * @throws GpuError inside a capture, a measurement or another profile; what `body` throws
   *
   * @example
   * const profile = await runtime.profile(() => model.forward(input));
   * console.log(String(profile));
   */
  async profile<T>(body: () => T): Promise<Profile<Awaited<T>>> {
    checkArgument('profile', 'body', body, callback);
    const { result, timer } = await this.gpu.profile(body);
    return new Profile(result, timer.clock, timer.times);
  }

  /** Submits all that was recorded. @throws GpuError, OutOfMemoryError, DeviceLostError */
  flush(): Promise<void> {
    return this.gpu.flush();
  }

  /** Submits all that was recorded and waits for the device. */
  finish(): Promise<void> {
    return this.gpu.finish();
  }

  /** Frees all device memory that no tensor uses. */
  trim(): Promise<void> {
    return this.gpu.trim();
  }

  /** Ends the runtime; its tensors are gone. A caller's own device stays. Calling it twice is harmless. */
  destroy(): void {
    this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** For `console.log` in Node: the device, and the memory of the tensors. */
  [inspected](): string {
    const { vendor, description } = this.traits;
    const { usedBytes, allocatedBytes } = this.memory;
    const state = this.gpu.failure
      ? this.gpu.failure.message
      : `${megabytes(usedBytes)} in use, ${megabytes(allocatedBytes)} allocated`;
    return `Runtime on ${vendor} ${description} (${state})`;
  }

  #allocate(shape: Shape, dtype: Dtype): Tensor {
    this.gpu.check();
    const bytes = this.#bytesOf(shape, dtype);
    const pool = this.#capturePool ?? this.gpu.buffers;
    const buffer = pool.acquire(bytes);
    return new Tensor(this, [...shape], dtype, new Storage(buffer, () => pool.release(buffer)));
  }

  /** Bytes of such a tensor, a multiple of 4. @throws FeatureError where there can be none. */
  #bytesOf(shape: Shape, dtype: Dtype): number {
    if (dtype === 'f16' && !this.traits.f16) {
      throw new FeatureError('this adapter has no shader-f16: use f32');
    }
    return Math.ceil((sizeOf(shape) * dtypeBytes[dtype]) / 4) * 4;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

export const anyRuntime: Rule<Runtime> = rule('a Runtime', (value) => value instanceof Runtime);
