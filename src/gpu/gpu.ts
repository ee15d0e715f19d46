import type { KernelPath } from '../../kernels/sources.js';
import { DeviceLostError, GpuError, OutOfMemoryError, ReleasedError, type TalError } from '../errors.js';
import { type AdapterKind, openAdapter } from './adapter.js';
import {
  BindGroupCache,
  type BufferRange,
  type Command,
  type Program,
  ProgramEncoder,
  resolve,
} from './commands.js';
import { type Kernel, PipelineCache } from './pipelines.js';
import { BufferPool, type PooledBuffer } from './pool.js';
import { type DeviceTraits, deviceTraits, wantedFeatures } from './traits.js';
import type { KernelConstants } from './wgsl.js';

export interface GpuOptions {
  /** Which adapter to open; ignored with `device`. */
  readonly adapter?: AdapterKind;
  /** The caller's own device: used, never destroyed. */
  readonly device?: GPUDevice;
  /** Set to false to send parameters through uniforms even where immediates are there. */
  readonly immediates?: boolean;
}

/** Commands recorded beyond this number are submitted without waiting for a flush. */
const autoFlushLength = 512;

/**
 * A device with its buffers, kernels and queue of recorded commands. Knows nothing of tensors.
 *
 * Recording is synchronous and cheap; `flush` compiles what is missing, encodes and submits. All that was
 * recorded runs in the order of its recording, so a buffer may be handed out again as soon as its last
 * reader is recorded.
 */
export class Gpu {
  readonly traits: DeviceTraits;
  readonly buffers: BufferPool;
  readonly #uniforms: BufferPool;
  readonly #readbacks: BufferPool;
  readonly #pipelines: PipelineCache;
  readonly #bindGroups: BindGroupCache;
  readonly #lost: Promise<never>;
  #commands: Command[] = [];
  #capturing: Command[] | undefined;
  /** Settles when all flushes so far have been submitted; never rejects. */
  #submitted: Promise<void> = Promise.resolve();
  /** An error of a command that nobody was waiting for; the next flush throws it. */
  #deferred: TalError | undefined;
  /** Once set, nothing works any more. */
  #failure: TalError | undefined;

  private constructor(
    readonly device: GPUDevice,
    adapter: GPUAdapter | undefined,
    languageFeatures: ReadonlySet<string>,
    readonly ownsDevice: boolean,
    readonly release: () => void,
  ) {
    this.traits = deviceTraits(device, adapter, languageFeatures);
    this.#bindGroups = new BindGroupCache(device);
    const forget = () => this.#bindGroups.clear();
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.buffers = new BufferPool(device, STORAGE | COPY_SRC | COPY_DST, forget);
    this.#uniforms = new BufferPool(device, UNIFORM | COPY_DST);
    this.#readbacks = new BufferPool(device, MAP_READ | COPY_DST);
    this.#pipelines = new PipelineCache(device, this.traits.immediates);
    device.addEventListener('uncapturederror', this.#onUncapturedError);
    this.#lost = device.lost.then((info) => {
      this.#failure ??= new DeviceLostError(
        info.reason === 'destroyed'
          ? 'the device was destroyed: nothing more can run on it'
          : `the device was lost (${info.message}): make a new runtime and load the model again`,
      );
      throw this.#failure;
    });
    this.#lost.catch(() => {});
  }

  /**
   * Opens an adapter and a device with the adapter's own limits, or takes the caller's device.
   * @throws NoAdapterError, DeviceLostError
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const { device } = options;
    if (device) {
      const features = typeof navigator === 'undefined' ? undefined : navigator.gpu?.wgslLanguageFeatures;
      const usable = options.immediates === false ? undefined : features;
      return new Gpu(device, undefined, usable ?? new Set(), false, () => {});
    }
    const { adapter, languageFeatures, release } = await openAdapter(options.adapter);
    const limits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === 'number') limits[name] = value;
    }
    try {
      const opened = await adapter.requestDevice({
        requiredFeatures: wantedFeatures.filter((feature) => adapter.features.has(feature)),
        requiredLimits: limits,
      });
      const usable = options.immediates === false ? new Set<string>() : languageFeatures;
      return new Gpu(opened, adapter, usable, true, release);
    } catch (cause) {
      release();
      throw new DeviceLostError(`the adapter gave no device: ${(cause as Error).message}`, { cause });
    }
  }

  /** Number of pipelines compiled so far. */
  get pipelineCount(): number {
    return this.#pipelines.size;
  }

  /** The kernel with these constants; its compilation starts at the first call. */
  kernel(path: KernelPath, constants?: KernelConstants): Kernel {
    return this.#pipelines.get(path, constants);
  }

  /** Appends a command. It runs after all that was recorded before it. */
  record(command: Command): void {
    if (this.#failure) throw this.#failure;
    if (this.#capturing) {
      this.#capturing.push(command);
      return;
    }
    this.#commands.push(command);
    if (this.#commands.length >= autoFlushLength) {
      this.flush().catch((error: TalError) => {
        this.#deferred ??= error;
      });
    }
  }

  /** Compiles, encodes and submits all that was recorded. Does not wait for the device to finish it. */
  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const commands = this.#commands;
    this.#commands = [];
    const submitted = this.#submitted.then(() => this.#submit(commands));
    this.#submitted = submitted.catch(() => {});
    return Promise.race([submitted, this.#lost]);
  }

  /** Flushes and waits until the device has finished. */
  async finish(): Promise<void> {
    await this.flush();
    await Promise.race([this.device.queue.onSubmittedWorkDone(), this.#lost]);
    this.#throwDeferred();
  }

  /** Flushes and copies a stretch of a buffer to the host. */
  async read(source: BufferRange): Promise<ArrayBuffer> {
    if (this.#capturing) throw new GpuError('nothing can be read inside a capture: read after it has run');
    const staging = this.#readbacks.acquire(source.bytes);
    try {
      this.record({ kind: 'copy', source, target: { buffer: staging, offset: 0, bytes: source.bytes } });
      await this.flush();
      await Promise.race([staging.buffer.mapAsync(GPUMapMode.READ, 0, source.bytes), this.#lost]);
      const data = staging.buffer.getMappedRange(0, source.bytes).slice(0);
      staging.buffer.unmap();
      return data;
    } catch (error) {
      throw this.#failure ?? this.#typed(error);
    } finally {
      this.#readbacks.release(staging);
    }
  }

  /** Runs `record` with all its commands kept aside instead of queued. */
  capture(record: () => void): Command[] {
    if (this.#capturing) throw new GpuError('captures cannot be nested');
    const commands: Command[] = [];
    this.#capturing = commands;
    try {
      record();
    } finally {
      this.#capturing = undefined;
    }
    return commands;
  }

  /** Resolves captured commands to a program that can be recorded again and again. */
  async prepare(commands: readonly Command[]): Promise<Program> {
    await this.#compiled(commands);
    return this.#resolve(commands);
  }

  /** Encodes a program into the caller's own encoder. */
  encode(program: Program, encoder: GPUCommandEncoder): void {
    const target = new ProgramEncoder(this.device, encoder);
    target.encode(program);
    target.submit();
  }

  /** Gives up a prepared program's own buffers, once the runs recorded so far have been submitted. */
  forget(program: Program): void {
    if (!program.uniforms || this.#failure) return;
    const release = () => this.#releaseUniforms(program);
    this.flush().then(release, release);
  }

  /** Submits what is recorded, then destroys all buffers that nobody uses. */
  async trim(): Promise<void> {
    do await this.flush();
    while (this.#commands.length > 0);
    this.buffers.trim();
    this.#uniforms.trim();
    this.#readbacks.trim();
  }

  /** Destroys the device unless it is the caller's. Whatever is pending rejects. */
  destroy(): void {
    if (this.#failure instanceof ReleasedError) return;
    this.#failure = new ReleasedError('the runtime was destroyed: make a new one');
    this.#commands = [];
    this.device.removeEventListener('uncapturederror', this.#onUncapturedError);
    for (const pool of [this.buffers, this.#uniforms, this.#readbacks]) pool.trim();
    if (!this.ownsDevice) return;
    this.device.destroy();
    this.release();
  }

  async #submit(commands: readonly Command[]): Promise<void> {
    await this.#compiled(commands);
    this.#throwDeferred();
    if (this.#failure) throw this.#failure;
    if (commands.length === 0) return;
    const { device } = this;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    let failed: unknown;
    try {
      const program = this.#resolve(commands);
      const encoder = new ProgramEncoder(device);
      encoder.encode(program);
      encoder.submit();
      this.#releaseUniforms(program);
    } catch (error) {
      failed = error;
    }
    const scopes = [device.popErrorScope(), device.popErrorScope()];
    if (failed) throw this.#typed(failed);
    for (const error of await Promise.all(scopes)) if (error) throw this.#typed(error);
  }

  #releaseUniforms(program: Program): void {
    if (program.uniforms) this.#uniforms.release(program.uniforms);
  }

  #resolve(commands: readonly Command[]): Program {
    return resolve(commands, {
      device: this.device,
      bindGroups: this.#bindGroups,
      uniformLayout: this.#pipelines.uniformLayout,
      acquireUniforms: (bytes): PooledBuffer => this.#uniforms.acquire(bytes),
    });
  }

  async #compiled(commands: readonly Command[]): Promise<void> {
    const missing = new Set<Promise<void>>();
    for (const command of commands) {
      if (command.kind === 'dispatch' && !command.kernel.pipeline) missing.add(command.kernel.compiled);
    }
    if (missing.size > 0) await Promise.all(missing);
  }

  #throwDeferred(): void {
    const error = this.#deferred;
    this.#deferred = undefined;
    if (error) throw error;
  }

  readonly #onUncapturedError = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault?.();
    this.#deferred ??= this.#typed(event.error);
  };

  #typed(error: unknown): TalError {
    const message = (error as Error).message ?? String(error);
    if (typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError) {
      return new OutOfMemoryError(`the device is out of memory: ${message}`, { cause: error });
    }
    if (error instanceof Error && 'code' in error) return error as TalError;
    return new GpuError(message, { cause: error });
  }
}
