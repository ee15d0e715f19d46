// A project with the types of WebGPU uses its own device; compiled by scripts/check-package.mjs, never run.
import { openAdapter, Runtime } from 'tal-webgpu';
import { softmax } from 'tal-webgpu/ops';

export async function withOwnDevice(): Promise<GPUBuffer> {
  const { adapter, release } = await openAdapter();
  const device: GPUDevice = await adapter.requestDevice();
  const runtime = await Runtime.create({ device });
  // GPUBufferUsage.STORAGE: a page's own library has no constants.
  const scores: GPUBuffer = device.createBuffer({ size: 16, usage: 0x80 });
  const x = runtime.wrap(scores, [4]);
  const work = await runtime.capture(() => x.assign(softmax(x)));
  const encoder: GPUCommandEncoder = device.createCommandEncoder();
  work.encode(encoder);
  const limit: number = runtime.traits.limits.maxBufferSize;
  if (limit > 0) runtime.destroy();
  release();
  return scores;
}
