import { flag, oneOf, optional, type Rules, rule } from '../arguments.js';
import { DeviceLostError, GpuError, ReleasedError, type TalError } from '../errors.js';
import { type AdapterKind, adapterKinds, openAdapter } from './adapter.js';
import {
  BindGroupCache,
  type BufferRange,
  type Command,
  type Program,
  ProgramEncoder,
  resolve,
} from './commands.js';
import { bufferUsage, mapForReading } from './flags.js';
import { checked, typedError } from './gpu-errors.js';
import type { KernelSource } from './kernel-source.js';
import { LaunchTimer } from './launch-times.js';
import { Lifetime } from './lifetime.js';
import { type Kernel, PipelineCache } from './pipelines.js';
import { calm } from './polling.js';
import { BufferPool, type PooledBuffer } from './pool.js';
import { type Measurement, Stopwatch } from './timing.js';
import { type DeviceTraits, deviceTraits, wantedFeatures } from './traits.js';
import type { GPUCommandEncoder, GPUDevice } from './webgpu.js';
import type { KernelConstants, StorageBinding } from './wgsl.js';

export interface GpuOptions {
  /** Which adapter to open; ignored with `device`. */
  readonly adapter?: AdapterKind;
  /** The caller's own device: used, never destroyed. */
  readonly device?: GPUDevice;
  /** Set to false to send parameters through uniforms even where immediates are available. */
  readonly immediates?: boolean;
}

export const gpuRules: Rules<GpuOptions> = {
  adapter: optional(oneOf(...adapterKinds)),
  device: optional(
    rule<GPUDevice>(
      'a GPUDevice',
      (value) => typeof value === 'object' && value !== null && 'queue' in value,
    ),
  ),
  immediates: optional(flag),
};

/** Recorded commands beyond this number, or with uploads beyond these bytes, do not wait for a flush. */
const autoFlushCommands = 512;
const autoFlushBytes = 2 ** 26;

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
  /** Uniform rings and placeholders: not the tensors' memory. */
  readonly #internal: BufferPool;
  readonly #readbacks: BufferPool;
  readonly #pipelines: PipelineCache;
  readonly #bindGroups: BindGroupCache;
  readonly #lifetime = new Lifetime();
  #placeholders: { readonly read: PooledBuffer; readonly written: PooledBuffer } | undefined;
  #commands: Command[] = [];
  #uploadBytes = 0;
  #capturing: Command[] | undefined;
  /** Times the launches of all batches that are handed over while it is there. */
  #launchTimer: LaunchTimer | undefined;
  /** The last batch handed over. Rejects where it, or one before it that nobody was told of, failed. */
  #lastBatch: Promise<void> = Promise.resolve();
  #waitingBatches = 0;
  #destroyed = false;
  /** An error of the device that belongs to no batch; the next flush or read throws it. */
  #stray: TalError | undefined;

  private constructor(
    readonly device: GPUDevice,
    info: GPUAdapterInfo,
    languageFeatures: ReadonlySet<string>,
    readonly ownsDevice: boolean,
    readonly release: () => void,
  ) {
    this.traits = deviceTraits(device, info, languageFeatures);
    this.#bindGroups = new BindGroupCache(device);
    const { storage, uniform, copySource, copyTarget, mapRead } = bufferUsage;
    this.buffers = new BufferPool(device, storage | copySource | copyTarget, this.#onStrayError);
    this.#internal = new BufferPool(device, uniform | storage | copyTarget, this.#onStrayError);
    this.#readbacks = new BufferPool(device, mapRead | copyTarget, this.#onStrayError);
    this.#pipelines = new PipelineCache(device, this.traits.immediates);
    // On the caller's device the errors outside of our scopes are the caller's.
    if (ownsDevice) device.addEventListener('uncapturederror', this.#onUncapturedError);
    device.lost.then((info) =>
      this.#lifetime.end(
        new DeviceLostError(
          info.reason === 'destroyed'
            ? 'the device was destroyed: nothing more can run on it'
            : `the device was lost (${info.message}): make a new runtime and load the model again`,
        ),
      ),
    );
  }

  /**
   * Opens an adapter and a device with the adapter's own limits, or takes the caller's device.
   * @throws NoAdapterError, OptionError, DeviceLostError
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const { device } = options;
    const usable = (features: ReadonlySet<string> = new Set()) =>
      options.immediates === false ? new Set<string>() : features;
    if (device) {
      const features = typeof navigator === 'undefined' ? undefined : navigator.gpu?.wgslLanguageFeatures;
      return new Gpu(device, device.adapterInfo, usable(features), false, () => {});
    }
    const { adapter, languageFeatures, release } = await openAdapter(options.adapter);
    const limits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === 'number') limits[name] = value;
    }
    try {
      const opened = await adapter.requestDevice({
        requiredFeatures: wantedFeatures.filter((feature) =>
          adapter.features.has(feature),
        ) as GPUFeatureName[],
        requiredLimits: limits,
      });
      return new Gpu(opened, adapter.info, usable(languageFeatures), true, release);
    } catch (cause) {
      release();
      throw new DeviceLostError(`the adapter gave no device: ${(cause as Error).message}`, { cause });
    }
  }

  /** @throws ReleasedError after `destroy`, DeviceLostError after the loss of the device */
  check(): void {
    this.#lifetime.check();
  }

  /** Why nothing runs any more; undefined as long as the device works. */
  get failure(): TalError | undefined {
    return this.#lifetime.failure;
  }

  /** Resolves with that error when it occurs. */
  get ended(): Promise<TalError> {
    return this.#lifetime.ended;
  }

  /** Number of pipelines compiled so far. */
  get pipelineCount(): number {
    return this.#pipelines.size;
  }

  /** The kernel with these constants; its compilation starts at the first call. */
  kernel(source: KernelSource, constants?: KernelConstants): Kernel {
    this.check();
    return this.#pipelines.get(source, constants);
  }

  /**
   * Something to bind where a kernel's optional operand is absent: one buffer for all that is only read, a
   * chunk of another for each binding that may be written, because writable bindings must not overlap.
   */
  placeholder(access: StorageBinding['access'], binding: number): BufferRange {
    this.#placeholders ??= { read: this.#internal.acquire(256), written: this.#internal.acquire(4096) };
    return access === 'read'
      ? { buffer: this.#placeholders.read, offset: 0, bytes: 256 }
      : { buffer: this.#placeholders.written, offset: binding * 256, bytes: 256 };
  }

  /** Appends a command. It runs after all that was recorded before it. */
  record(command: Command): void {
    this.check();
    if (this.#capturing) {
      this.#capturing.push(command);
      return;
    }
    this.#commands.push(command);
    if (command.kind === 'upload') this.#uploadBytes += command.data.byteLength;
    if (this.#commands.length >= autoFlushCommands || this.#uploadBytes >= autoFlushBytes)
      this.#submitLater();
  }

  /**
   * Compiles, encodes and submits all that was recorded. Does not wait for the device to finish it. Where it
   * rejects, nothing that was recorded since the last flush can be relied on.
   */
  flush(): Promise<void> {
    return this.#waitFor(this.#submitLater());
  }

  /** Flushes and waits until the device has finished. */
  async finish(): Promise<void> {
    await this.flush();
    await this.#settled(this.device.queue.onSubmittedWorkDone());
    this.#throwStray();
  }

  /** Flushes and copies a chunk of a buffer to the host. */
  async read(source: BufferRange): Promise<ArrayBuffer> {
    this.check();
    if (this.#capturing) throw new GpuError('nothing can be read inside a capture: read after it has run');
    const staging = this.#readbacks.acquire(source.bytes);
    try {
      this.record({ kind: 'copy', source, target: { buffer: staging, offset: 0, bytes: source.bytes } });
      await this.flush();
      await this.#settled(staging.buffer.mapAsync(mapForReading, 0, source.bytes));
      const data = staging.buffer.getMappedRange(0, source.bytes).slice(0);
      staging.buffer.unmap();
      this.#throwStray();
      return data;
    } catch (error) {
      throw typedError(error);
    } finally {
      this.#readbacks.release(staging);
    }
  }

  /** Waits for the device or its compiler; without taking a core from it where it is software. */
  #settled<T>(promise: Promise<T>): Promise<T> {
    const guarded = this.#lifetime.guard(promise);
    return this.traits.deviceClass === 'software' ? calm(guarded) : guarded;
  }

  /** Runs `record` and times its commands, compilation excluded. Waits for earlier work first. */
  async measure(record: () => void): Promise<Measurement> {
    this.#checkNesting();
    await this.finish();
    this.#checkNesting();
    const commands = this.capture(record);
    this.#submitLater();
    const stopwatch = new Stopwatch(this.device, this.traits.timestamps);
    await this.#waitFor(this.#chain(commands, stopwatch));
    return this.#lifetime.guard(stopwatch.read());
  }

  /** Runs `body` and times each launch that is recorded until it ends. Waits for earlier work first. */
  async profile<T>(body: () => T): Promise<{ readonly result: Awaited<T>; readonly timer: LaunchTimer }> {
    this.check();
    this.#checkNesting();
    const earlier = this.#submitLater();
    const timer = new LaunchTimer(this.device, this.traits.timestamps ? 'gpu' : 'host');
    this.#launchTimer = timer;
    try {
      await this.#waitFor(earlier);
      const result = await body();
      await this.finish();
      return { result, timer };
    } finally {
      this.#launchTimer = undefined;
    }
  }

  #checkNesting(): void {
    if (this.#capturing || this.#launchTimer) {
      throw new GpuError(
        'captures, measurements and profiles cannot be nested: only a capture may be profiled',
      );
    }
  }

  /** Runs `record` with all its commands kept aside instead of queued. */
  capture(record: () => void): Command[] {
    if (this.#capturing) throw new GpuError('captures and measurements cannot be nested');
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
    await this.#lifetime.guard(this.#compiled(commands));
    return this.#resolveChecked(commands);
  }

  async #resolveChecked(commands: readonly Command[]): Promise<Program> {
    let program: Program | undefined;
    try {
      await checked(this.device, () => {
        program = this.#resolve(commands);
      });
      return program!;
    } catch (error) {
      if (program) this.#releaseUniforms(program);
      throw error;
    }
  }

  /** Encodes a program into the caller's own encoder. */
  encode(program: Program, encoder: GPUCommandEncoder): void {
    this.check();
    const target = new ProgramEncoder(this.device, encoder);
    target.encode(program);
    target.submit();
  }

  /** Gives up a prepared program's own buffers, once the runs recorded so far have been submitted. */
  forget(program: Program): void {
    const release = () => this.#releaseUniforms(program);
    this.#submitLater().then(release, release);
  }

  /** Submits what is recorded, then destroys all buffers that nobody uses. */
  async trim(): Promise<void> {
    do await this.flush();
    while (this.#commands.length > 0 || this.#waitingBatches > 0);
    for (const pool of [this.buffers, this.#internal, this.#readbacks]) pool.trim();
    this.#bindGroups.clear();
  }

  /** Destroys the device, or all buffers of this runtime where it is the caller's. Whatever is pending rejects. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#lifetime.end(new ReleasedError('the runtime was destroyed: make a new one'));
    this.#commands = [];
    for (const pool of [this.buffers, this.#internal, this.#readbacks]) pool.destroy();
    if (!this.ownsDevice) return;
    this.device.removeEventListener('uncapturederror', this.#onUncapturedError);
    this.device.destroy();
    this.release();
  }

  /** Hands over all that was recorded as one batch, after those that wait. */
  #submitLater(): Promise<void> {
    const commands = this.#commands;
    this.#commands = [];
    this.#uploadBytes = 0;
    return this.#chain(commands, this.#launchTimer);
  }

  /** A batch that follows a failed one fails with it: it counts on what that one would have written. */
  #chain(commands: readonly Command[], timer?: Stopwatch | LaunchTimer): Promise<void> {
    this.#waitingBatches++;
    const batch = this.#lastBatch
      .then(() => this.#submit(commands, timer))
      .finally(() => {
        this.#waitingBatches--;
      });
    batch.catch(() => {});
    this.#lastBatch = batch;
    return batch;
  }

  /** Whoever waits for a batch is told of its failure, so what is recorded later starts anew. */
  #waitFor(batch: Promise<void>): Promise<void> {
    batch.catch(() => {
      if (this.#lastBatch === batch) this.#lastBatch = Promise.resolve();
    });
    return this.#lifetime.guard(batch);
  }

  async #submit(commands: readonly Command[], timer?: Stopwatch | LaunchTimer): Promise<void> {
    await this.#compiled(commands);
    this.check();
    this.#throwStray();
    if (commands.length === 0) return;
    const submitted =
      timer instanceof LaunchTimer ? this.#runTimed(commands, timer) : this.#encodeAll(commands, timer);
    await submitted.catch((error: TalError) => {
      // A buffer that got no memory makes its users invalid; say so rather than that.
      this.#throwStray();
      throw error;
    });
  }

  #encodeAll(commands: readonly Command[], stopwatch: Stopwatch | undefined): Promise<void> {
    return checked(this.device, () => {
      stopwatch?.start();
      const program = this.#resolve(commands);
      try {
        const encoder = new ProgramEncoder(this.device, undefined, stopwatch);
        encoder.encode(program);
        encoder.submit();
      } finally {
        this.#releaseUniforms(program);
      }
      stopwatch?.stop();
    });
  }

  async #runTimed(commands: readonly Command[], timer: LaunchTimer): Promise<void> {
    const program = await this.#resolveChecked(commands);
    try {
      await timer.run(program);
    } finally {
      this.#releaseUniforms(program);
    }
  }

  #releaseUniforms(program: Program): void {
    if (program.uniforms) this.#internal.release(program.uniforms);
  }

  #resolve(commands: readonly Command[]): Program {
    return resolve(commands, {
      device: this.device,
      bindGroups: this.#bindGroups,
      uniformLayout: this.#pipelines.uniformLayout,
      acquireUniforms: (bytes): PooledBuffer => this.#internal.acquire(bytes),
    });
  }

  async #compiled(commands: readonly Command[]): Promise<void> {
    const missing = new Set<Promise<void>>();
    for (const command of commands) {
      if (command.kind === 'dispatch' && !command.kernel.pipeline) missing.add(command.kernel.compiled);
    }
    if (missing.size > 0) await this.#settled(Promise.all(missing));
  }

  #throwStray(): void {
    const error = this.#stray;
    this.#stray = undefined;
    if (error) throw error;
  }

  readonly #onStrayError = (error: GPUError): void => {
    this.#stray ??= typedError(error);
  };

  readonly #onUncapturedError = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault();
    this.#onStrayError(event.error);
  };
}
