import { FeatureError } from '../errors.js';

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
  readonly #free = new Map<number, PooledBuffer[]>();
  #allocatedBytes = 0;
  #usedBytes = 0;
  #peakBytes = 0;

  constructor(
    readonly device: GPUDevice,
    readonly usage: GPUBufferUsageFlags,
    /** Told of each buffer that is destroyed, so that caches can forget it. */
    readonly onDestroy: (buffer: PooledBuffer) => void = () => {},
  ) {}

  get statistics(): PoolStatistics {
    return {
      allocatedBytes: this.#allocatedBytes,
      usedBytes: this.#usedBytes,
      peakBytes: this.#peakBytes,
    };
  }

  /** @throws FeatureError where no buffer of the device can be that large. */
  acquire(bytes: number): PooledBuffer {
    const limit = this.device.limits.maxBufferSize;
    if (bytes > limit) {
      throw new FeatureError(`a buffer of ${bytes} bytes is over this adapter's limit of ${limit} bytes`);
    }
    const size = Math.min(sizeClass(bytes), Math.floor(limit / 4) * 4);
    const pooled = this.#free.get(size)?.pop() ?? this.#create(size);
    this.#usedBytes += size;
    return pooled;
  }

  release(pooled: PooledBuffer): void {
    this.#usedBytes -= pooled.bytes;
    const free = this.#free.get(pooled.bytes);
    if (free) free.push(pooled);
    else this.#free.set(pooled.bytes, [pooled]);
  }

  /** Destroys the buffers that nobody uses. Only when no recorded command is waiting to be submitted. */
  trim(): void {
    for (const free of this.#free.values()) {
      for (const pooled of free) {
        pooled.buffer.destroy();
        this.#allocatedBytes -= pooled.bytes;
        this.onDestroy(pooled);
      }
    }
    this.#free.clear();
  }

  #create(size: number): PooledBuffer {
    const buffer = this.device.createBuffer({ size, usage: this.usage });
    this.#allocatedBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#allocatedBytes);
    return { id: newBufferId(), buffer, bytes: size };
  }
}

/** The smallest of 256, 320, 384, 448, 512, 640, … that holds `bytes`. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
