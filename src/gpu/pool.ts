import { FeatureError } from '../errors.js';
import type { GPUBuffer, GPUDevice, GPUError } from './webgpu.js';

/** A buffer of the pool. `id` is never used twice, so caches may be keyed by it. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** Size in bytes, at least what was asked for. */
  readonly bytes: number;
}

export interface PoolStatistics {
  /** Bytes of all buffers that exist. */
  readonly allocatedBytes: number;
  /** Bytes of the buffers in use. */
  readonly usedBytes: number;
  /** Buffers in use. */
  readonly usedBuffers: number;
  /** Most bytes ever allocated at one time. */
  readonly peakBytes: number;
}

let nextId = 1;

/** An identity for a buffer that did not come from a pool. */
export function newBufferId(): number {
  return nextId++;
}

/**
 * GPU buffers in size classes: four to each power of two, so at most a quarter is wasted.
 * A released buffer is handed out again to the next request of its class.
 */
export class BufferPool {
  readonly #all = new Set<PooledBuffer>();
  readonly #free = new Map<number, PooledBuffer[]>();
  #allocatedBytes = 0;
  #usedBytes = 0;
  #usedBuffers = 0;
  #peakBytes = 0;

  constructor(
    readonly device: GPUDevice,
    readonly usage: number,
    /** Told when the device had no memory for a buffer that was handed out. */
    readonly onOutOfMemory: (error: GPUError) => void = () => {},
  ) {}

  get statistics(): PoolStatistics {
    return {
      allocatedBytes: this.#allocatedBytes,
      usedBytes: this.#usedBytes,
      usedBuffers: this.#usedBuffers,
      peakBytes: this.#peakBytes,
    };
  }

  /** Size of the buffer that a request for `bytes` gets. */
  sizeFor(bytes: number): number {
    return Math.min(sizeClass(bytes), Math.floor(this.device.limits.maxBufferSize / 4) * 4);
  }

  /** @throws FeatureError where no buffer of the device can be that large. */
  acquire(bytes: number): PooledBuffer {
    const size = this.sizeFor(bytes);
    if (bytes > size) {
      throw new FeatureError(`a buffer of ${bytes} bytes is over this adapter's limit of ${size} bytes`);
    }
    const pooled = this.#free.get(size)?.pop() ?? this.#create(size);
    this.#usedBytes += size;
    this.#usedBuffers++;
    return pooled;
  }

  release(pooled: PooledBuffer): void {
    this.#usedBytes -= pooled.bytes;
    this.#usedBuffers--;
    if (!this.#all.has(pooled)) return;
    const free = this.#free.get(pooled.bytes);
    if (free) free.push(pooled);
    else this.#free.set(pooled.bytes, [pooled]);
  }

  /** Destroys the buffers that nobody uses. Only when no recorded command is waiting to be submitted. */
  trim(): void {
    for (const free of this.#free.values()) for (const pooled of free) this.#destroy(pooled);
    this.#free.clear();
  }

  /** Destroys all buffers, those in use included. */
  destroy(): void {
    for (const pooled of this.#all) this.#destroy(pooled);
    this.#free.clear();
  }

  #create(size: number): PooledBuffer {
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage: this.usage });
    const pooled = { id: newBufferId(), buffer, bytes: size };
    this.#all.add(pooled);
    this.#allocatedBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#allocatedBytes);
    this.device.popErrorScope().then(
      (error) => error && this.#failed(pooled, error),
      () => {},
    );
    return pooled;
  }

  /** A buffer without memory must not be handed out again. */
  #failed(pooled: PooledBuffer, error: GPUError): void {
    const free = this.#free.get(pooled.bytes);
    const index = free?.indexOf(pooled) ?? -1;
    if (index >= 0) free!.splice(index, 1);
    if (this.#all.has(pooled)) this.#destroy(pooled);
    this.onOutOfMemory(error);
  }

  #destroy(pooled: PooledBuffer): void {
    pooled.buffer.destroy();
    this.#all.delete(pooled);
    this.#allocatedBytes -= pooled.bytes;
  }
}

/** The smallest of 256, 320, 384, 448, 512, 640, … that holds `bytes`. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
