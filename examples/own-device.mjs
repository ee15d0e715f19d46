// A device of your own: its buffers become tensors, and the work goes into your command encoder.
//   node examples/own-device.mjs
import { openAdapter, Runtime } from 'tal-webgpu';
import { softmax } from 'tal-webgpu/ops';

// In a page this is navigator.gpu.requestAdapter(); openAdapter does the same in Node too.
const { adapter, release } = await openAdapter();
const device = await adapter.requestDevice({ label: 'mine' });
const runtime = await Runtime.create({ device });

const bytes = 4 * Float32Array.BYTES_PER_ELEMENT;
const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
const scores = device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
const result = device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });

// Tensors over your buffers, read and written in place.
const x = runtime.wrap(scores, [4]);
const y = runtime.wrap(result, [4]);
const work = await runtime.capture(() => y.assign(softmax(x)));

device.queue.writeBuffer(scores, 0, new Float32Array([1, 2, 3, 4]));
const encoder = device.createCommandEncoder();
work.encode(encoder);
device.queue.submit([encoder.finish()]);

// Nothing of yours goes with the runtime.
runtime.destroy();

const staging = device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST });
const copy = device.createCommandEncoder();
copy.copyBufferToBuffer(result, 0, staging, 0, bytes);
device.queue.submit([copy.finish()]);
await staging.mapAsync(GPUMapMode.READ);
const probabilities = Array.from(new Float32Array(staging.getMappedRange()), (p) => p.toFixed(4));
console.log(`softmax of 1 2 3 4: ${probabilities.join(' ')}`);

device.destroy();
release();
