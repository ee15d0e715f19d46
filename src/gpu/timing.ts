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
export interface TimedPass {
  readonly timestampWrites?: {
    readonly querySet: GPUQuerySet;
    readonly beginningOfPassWriteIndex?: number;
    readonly endOfPassWriteIndex: number;
  };
}

/** What an encoder asks for the descriptor of each of its compute passes. */
export interface PassTimer {
  /** Whether each launch is to have a pass of its own. */
  readonly passPerLaunch: boolean;
  passDescriptor(): TimedPass;
}

/** Times by the device's own clock, in nanoseconds. */
export class Timestamps {
  readonly querySet: GPUQuerySet;

  constructor(
    readonly device: GPUDevice,
    readonly count: number,
  ) {
    this.querySet = device.createQuerySet({ type: 'timestamp', count });
  }

  /** The times, once all passes that write them are submitted. */
  async read(): Promise<BigUint64Array> {
    const { device, count } = this;
    const bytes = count * 8;
    const resolved = device.createBuffer({
      size: bytes,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    const staging = device.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
    try {
      const encoder = device.createCommandEncoder();
      encoder.resolveQuerySet(this.querySet, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(mapForReading);
      return new BigUint64Array(staging.getMappedRange().slice(0));
    } finally {
      for (const owned of [resolved, staging]) owned.destroy();
    }
  }

  destroy(): void {
    this.querySet.destroy();
  }
}

/** Times one submission. */
export class Stopwatch implements PassTimer {
  readonly passPerLaunch = false;
  readonly #timestamps: Timestamps | undefined;
  #passes = 0;
  #started = 0;
  #stopped: Promise<number> = Promise.resolve(0);

  constructor(
    readonly device: GPUDevice,
    timestamps: boolean,
  ) {
    this.#timestamps = timestamps ? new Timestamps(device, 2) : undefined;
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
    if (!this.#timestamps) return {};
    const first = this.#passes++ === 0;
    return {
      timestampWrites: {
        querySet: this.#timestamps.querySet,
        ...(first && { beginningOfPassWriteIndex: 0 }),
        endOfPassWriteIndex: 1,
      },
    };
  }

  async read(): Promise<Measurement> {
    try {
      const wallMs = (await this.#stopped) - this.#started;
      if (!this.#timestamps || this.#passes === 0) return { wallMs };
      const [begin, end] = await this.#timestamps.read();
      return { wallMs, gpuMs: Number(end! - begin!) / 1e6 };
    } finally {
      this.#timestamps?.destroy();
    }
  }
}
