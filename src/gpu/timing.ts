import { bufferUsage, mapForReading } from './flags.js';
import type { GPUDevice, GPUQuerySet } from './webgpu.js';

/** How long a piece of recorded work took. */
export interface Measurement {
  /** From the start of encoding until the device reports the end. */
  readonly wallMs: number;
  /** From the start of the first kernel to the end of the last by the device's own clock, where it has one. */
  readonly gpuMs?: number;
}

/** The descriptor of a compute pass whose beginning and end are written down where the device has a clock. */
interface TimedPass {
  readonly timestampWrites?: {
    readonly querySet: GPUQuerySet;
    readonly beginningOfPassWriteIndex?: number;
    readonly endOfPassWriteIndex: number;
  };
}

/** Times one submission. */
export class Stopwatch {
  readonly #querySet: GPUQuerySet | undefined;
  #passes = 0;
  #started = 0;
  #stopped: Promise<number> = Promise.resolve(0);

  constructor(
    readonly device: GPUDevice,
    timestamps: boolean,
  ) {
    this.#querySet = timestamps ? device.createQuerySet({ type: 'timestamp', count: 2 }) : undefined;
  }

  start(): void {
    this.#started = performance.now();
  }

  /** Call right after the submission. */
  stop(): void {
    this.#stopped = this.device.queue.onSubmittedWorkDone().then(() => performance.now());
  }

  /** For the next compute pass: the first writes the beginning, each overwrites the end. */
  passDescriptor(): TimedPass {
    if (!this.#querySet) return {};
    const first = this.#passes++ === 0;
    return {
      timestampWrites: {
        querySet: this.#querySet,
        ...(first && { beginningOfPassWriteIndex: 0 }),
        endOfPassWriteIndex: 1,
      },
    };
  }

  async read(): Promise<Measurement> {
    const wallMs = (await this.#stopped) - this.#started;
    if (!this.#querySet || this.#passes === 0) return { wallMs };
    const { device } = this;
    const bytes = 16;
    const resolved = device.createBuffer({
      size: bytes,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    const staging = device.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
    try {
      const encoder = device.createCommandEncoder();
      encoder.resolveQuerySet(this.#querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(mapForReading);
      const [begin, end] = new BigUint64Array(staging.getMappedRange().slice(0));
      return { wallMs, gpuMs: Number(end! - begin!) / 1e6 };
    } finally {
      for (const owned of [this.#querySet, resolved, staging]) owned.destroy();
    }
  }
}
