/// <reference lib="esnext.disposable" preserve="true" />
import { checkArgument, rule } from '../arguments.js';
import { ReleasedError } from '../errors.js';
import type { Program } from '../gpu/commands.js';
import type { BufferPool, PooledBuffer } from '../gpu/pool.js';
import type { GPUCommandEncoder } from '../gpu/webgpu.js';
import { inspected } from '../inspected.js';
import type { Runtime } from './runtime.js';
import { Shared } from './shared.js';
import { type Storage, tensorsIn } from './tensor.js';

const anyEncoder = rule<GPUCommandEncoder>(
  'a GPUCommandEncoder',
  (value) => typeof (value as GPUCommandEncoder | null | undefined)?.beginComputePass === 'function',
);

/**
 * Buffers of one capture. A buffer that is released while recording is handed out again inside the capture,
 * as it would be outside, but goes back to the runtime only when the capture is disposed: each replay
 * writes it anew. What the commands use from outside is held for as long.
 */
export class CapturePool {
  readonly #own = new WeakSet<PooledBuffer>();
  readonly #free: PooledBuffer[] = [];
  readonly #held = new Set<Shared>();
  #closed = false;

  constructor(readonly buffers: BufferPool) {}

  acquire(bytes: number): PooledBuffer {
    const size = this.buffers.sizeFor(bytes);
    const index = this.#free.findIndex((buffer) => buffer.bytes === size);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    const buffer = this.buffers.acquire(bytes);
    this.#own.add(buffer);
    return buffer;
  }

  /** A tensor that outlives the capture keeps its buffer until it is disposed. */
  release(buffer: PooledBuffer): void {
    if (this.#closed) this.buffers.release(buffer);
    else this.#free.push(buffer);
  }

  /** Holds what a command of the capture uses, unless its buffer is the capture's own. */
  hold(used: Shared | Storage): void {
    if (this.#held.has(used) || ('buffer' in used && this.#own.has(used.buffer))) return;
    this.#held.add(used.retain());
  }

  close(): void {
    this.#closed = true;
    for (const buffer of this.#free.splice(0)) this.buffers.release(buffer);
    for (const used of this.#held) used.release();
    this.#held.clear();
  }
}

/** A recorded piece of work that can be run again. `outputs` holds its results after each run. */
export class Capture<T> {
  /** Held by the caller until `dispose`, and by the captures that run this one inside. */
  readonly #shared: Shared;
  #disposed = false;

  /** @internal For the runtime; make captures with `runtime.capture`. */
  constructor(
    readonly runtime: Runtime,
    readonly program: Program,
    /** What the captured function returned: tensors that each run overwrites. They live as long as the capture. */
    readonly outputs: T,
    pool: CapturePool,
  ) {
    this.#shared = new Shared(() => {
      for (const tensor of tensorsIn(outputs)) tensor.dispose();
      pool.close();
      runtime.gpu.forget(program);
    }).retain();
  }

  /** Records one run. @throws ReleasedError after `dispose()`. */
  run(): void {
    this.#check();
    this.runtime.hold(this.#shared);
    this.runtime.gpu.record({ kind: 'replay', program: this.program });
  }

  /**
   * Encodes one run into the caller's own encoder, which the caller submits. What was recorded before is not
   * in it: `flush` first. @throws GpuError where the capture uploads anything: make its constants before it.
   */
  encode(encoder: GPUCommandEncoder): void {
    this.#check();
    checkArgument('encode', 'encoder', encoder, anyEncoder);
    this.runtime.gpu.encode(this.program, encoder);
  }

  /** Gives all buffers of the capture back, its outputs included. Calling it twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#shared.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** For `console.log` in Node. */
  [inspected](): string {
    return `Capture (${this.#disposed ? 'disposed' : `${this.program.steps.length} commands`})`;
  }

  #check(): void {
    if (this.#disposed) throw new ReleasedError('the capture was disposed: capture again');
  }
}
