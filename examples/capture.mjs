// Capture and replay: a step of denoising is recorded once and then run many times, with other inputs too.
//   node examples/capture.mjs
import { Runtime } from 'tal-webgpu';
import { add, linear, mul, sub } from 'tal-webgpu/ops';

const runtime = await Runtime.create();
const snippets = 64;
const channels = 32;
const steps = 50;

// A stand-in for a network: it maps the state and a condition to the clean signal, half of each.
const halfIdentity = Float32Array.from({ length: channels ** 2 }, (_, i) =>
  i % (channels + 1) === 0 ? 0.5 : 0,
);
const weight = runtime.tensor(halfIdentity, [channels, channels]);
const condition = runtime.zeros([channels]);
const state = runtime.zeros([snippets, channels]);

/** Goes a quarter of the way from the state to what the network takes for the clean signal. */
function denoise() {
  const clean = linear({ input: state, weight, bias: mul(condition, 0.5) });
  state.assign(add(state, mul(sub(clean, state), 0.25)));
}

// Recorded once; the buffers inside are shared out once. Tensors from outside are its inputs and its state.
const step = await runtime.capture(denoise);

for (const goal of [1, -3]) {
  condition.write(new Float32Array(channels).fill(goal));
  state.write(Float32Array.from({ length: snippets * channels }, () => Math.random() - 0.5));
  for (let i = 0; i < steps; i++) step.run();
  const result = await state.read();
  const farthest = Math.max(...result.map((x) => Math.abs(x - goal)));
  console.log(`condition ${goal}: the state is within ${farthest.toFixed(3)} of it after ${steps} steps`);
}

// What replaying saves is the JavaScript of the operations.
const recording = await milliseconds(() => runtime.scope(denoise));
const replaying = await milliseconds(() => step.run());
console.log(`on the CPU, recording ${steps} steps takes ${recording} ms and replaying ${replaying} ms`);
step.dispose();
runtime.destroy();

async function milliseconds(record) {
  await runtime.finish();
  const start = performance.now();
  for (let i = 0; i < steps; i++) record();
  const time = performance.now() - start;
  await runtime.finish();
  return time.toFixed(2);
}
