import { ReleasedError } from '../errors.js';
import type { Program } from '../gpu/commands.js';
import type { Gpu } from '../gpu/gpu.js';
import type { BufferPool, PooledBuffer } from '../gpu/pool.js';
import { sizeClass } from '../gpu/pool.js';
import type { Storage } from './tensor.js';

/**
 * Buffers of one capture. A buffer that is released while recording is handed out again inside the capture,
 * as it would be outside, but goes back to the runtime only when the capture is disposed: each replay
 * writes it anew. Tensors from outside are held for as long.
 */
export class CapturePool {
  readonly #owned: PooledBuffer[] = [];
  readonly #free: PooledBuffer[] = [];
  readonly #used = new Set<Storage>();
  readonly #own = new WeakSet<PooledBuffer>();

  constructor(readonly buffers: BufferPool) {}

  acquire(bytes: number): PooledBuffer {
    const wanted = sizeClass(bytes);
    const index = this.#free.findIndex((buffer) => buffer.bytes === wanted);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    const buffer = this.buffers.acquire(bytes);
    this.#owned.push(buffer);
    this.#own.add(buffer);
    return buffer;
  }

  release(buffer: PooledBuffer): void {
    this.#free.push(buffer);
  }

  /** Holds a tensor from outside that a command of the capture uses. */
  use(storage: Storage): void {
    if (this.#own.has(storage.range.buffer) || this.#used.has(storage)) return;
    this.#used.add(storage.retain());
  }

  releaseAll(): void {
    for (const buffer of this.#owned) this.buffers.release(buffer);
    for (const storage of this.#used) storage.release();
    this.#owned.length = 0;
    this.#used.clear();
  }
}

/** A recorded piece of work that can be run again. `outputs` holds its results after each run. */
export class Capture<T> {
  #program: Program | undefined;

  /** For the runtime; make captures with `runtime.capture`. */
  constructor(
    readonly gpu: Gpu,
    program: Program,
    /** What the captured function returned: tensors that each run overwrites. They live as long as the capture. */
    readonly outputs: T,
    readonly pool: CapturePool,
  ) {
    this.#program = program;
  }

  /** Records one run. */
  run(): void {
    this.gpu.record({ kind: 'replay', program: this.#live() });
  }

  /** Encodes one run into the caller's own encoder; the caller submits it. */
  encode(encoder: GPUCommandEncoder): void {
    this.gpu.encode(this.#live(), encoder);
  }

  /** Gives all buffers of the capture back, its outputs included. */
  dispose(): void {
    if (!this.#program) return;
    this.gpu.forget(this.#program);
    this.#program = undefined;
    this.pool.releaseAll();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): Program {
    if (!this.#program) throw new ReleasedError('the capture was disposed: capture again');
    return this.#program;
  }
}
