import { readFile } from 'node:fs/promises';
import { finished } from './navigator.js';
import { type OnnxGraph, onnxGraphs } from './onnx-graphs.js';
import { rawData } from './onnx-model.js';
import type { Onnxruntime, OnnxTensor } from './onnxruntime.js';
import { type Peer, type PreparedJob, peerFile, peerModule, peerVersion } from './peer.js';

interface OnnxruntimeWeb extends Onnxruntime {
  readonly env: {
    readonly wasm: { numThreads: number; wasmBinary?: Uint8Array };
    readonly webgpu: { readonly device: Promise<GPUDevice> };
  };
}

/** onnxruntime for pages: WebAssembly that drives `navigator.gpu`. Needs `lendNavigator`. */
export async function onnxruntimeWeb(): Promise<Peer> {
  copySharedWrites();
  const ort = (await peerModule('onnxruntime-web/dist/ort.webgpu.bundle.min.mjs')) as OnnxruntimeWeb;
  ort.env.wasm.wasmBinary = await readFile(
    peerFile('onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm'),
  );
  ort.env.wasm.numThreads = 1;
  return {
    name: 'onnxruntime-web webgpu',
    version: peerVersion('onnxruntime-web'),
    ways: (job) =>
      onnxGraphs(job).map((graph) => ({
        ...(graph.note && { note: graph.note }),
        prepare: () => prepare(ort, graph),
      })),
    close: async () => (await ort.env.webgpu.device).destroy(),
  };
}

async function prepare(ort: OnnxruntimeWeb, { model, inputs, restore }: OnnxGraph): Promise<PreparedJob> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['webgpu'],
    preferredOutputLocation: 'gpu-buffer',
    logSeverityLevel: 3, // errors
  });
  const device = await ort.env.webgpu.device;
  const buffers: GPUBuffer[] = [];
  const feeds: Record<string, OnnxTensor> = {};
  for (const { name, type, shape, data } of inputs) {
    const bytes = rawData(type, data);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = device.createBuffer({ size: Math.ceil(bytes.length / 16) * 16, usage });
    device.queue.writeBuffer(buffer, 0, bytes);
    buffers.push(buffer);
    feeds[name] = ort.Tensor.fromGpuBuffer(buffer, { dataType: type, dims: shape });
  }
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) (await session.run(feeds)).out!.dispose();
      await finished(device);
    },
    async output() {
      const { out } = await session.run(feeds);
      const data = await out!.getData();
      out!.dispose();
      return restore(data);
    },
    async dispose() {
      await session.release();
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

/** Its memory is shared memory, however many threads it has, and Dawn's binding writes nothing from such. */
function copySharedWrites(): void {
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, at, data, start, size) {
    const shared = ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
    const copy = shared ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data;
    return writeBuffer.call(this, buffer, at, copy as BufferSource, start, size);
  };
}
