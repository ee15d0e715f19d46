// Capture and replay: a loop of denoising is recorded once and then run with other inputs.
//   node examples/capture.mjs
import { add, linear, mul, Runtime, sub } from 'tal-webgpu';

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
const noise = runtime.zeros([snippets, channels]);

/** Each step goes a quarter of the way from the state to what the network takes for the clean signal. */
function denoise(state) {
  for (let step = 0; step < steps; step++) {
    const clean = linear({ input: state, weight, bias: mul(condition, 0.5) });
    state = add(state, mul(sub(clean, state), 0.25));
  }
  return state;
}

// Recorded once; the buffers inside are shared out once. Tensors from outside are the inputs.
const loop = await runtime.capture(() => denoise(noise));

for (const goal of [1, -3]) {
  condition.write(new Float32Array(channels).fill(goal));
  noise.write(Float32Array.from({ length: snippets * channels }, () => Math.random() - 0.5));
  loop.run();
  const result = await loop.outputs.read();
  const farthest = Math.max(...result.map((x) => Math.abs(x - goal)));
  console.log(`condition ${goal}: the state is within ${farthest.toFixed(3)} of it after ${steps} steps`);
}

// What replaying saves is the JavaScript of the operations.
const recording = await milliseconds(() => runtime.scope(() => void denoise(noise)));
const replaying = await milliseconds(() => loop.run());
console.log(`on the CPU, recording takes ${recording} ms and replaying ${replaying} ms`);
loop.dispose();
runtime.destroy();

async function milliseconds(record) {
  await runtime.finish();
  const start = performance.now();
  record();
  const time = performance.now() - start;
  await runtime.finish();
  return time.toFixed(2);
}
