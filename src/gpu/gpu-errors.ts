import { GpuError, OutOfMemoryError, TalError } from '../errors.js';
import type { GPUDevice } from './webgpu.js';

/** The typed error for whatever WebGPU threw or reported. */
export function typedError(error: unknown): TalError {
  if (error instanceof TalError) return error;
  const { message = String(error) } = error as Error;
  // By name: the class itself is a global only in browsers.
  if (error?.constructor.name === 'GPUOutOfMemoryError') {
    return new OutOfMemoryError(
      `the device is out of memory (${message}): dispose tensors, work in runtime.scope, use smaller batches`,
      { cause: error },
    );
  }
  return new GpuError(message, { cause: error });
}

/** Runs `body` and rejects with the first error that WebGPU reports of its calls, or that it throws. */
export async function checked(device: GPUDevice, body: () => void): Promise<void> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  let thrown: unknown;
  try {
    body();
  } catch (error) {
    thrown = error;
  }
  const reported = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  const error = thrown ?? reported.find((report) => report !== null);
  if (error) throw typedError(error);
}
