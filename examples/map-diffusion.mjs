// Multi-scale 2D temporal map diffusion: ground truth -> IoU maps -> noise -> DDIM -> one map -> moments.
//   node examples/map-diffusion.mjs
import { Runtime } from 'tal-webgpu';
import { GaussianDiffusion } from 'tal-webgpu/diffusion';
import { decodeMoments, iouMap, mapScales, mergeMaps, Random } from 'tal-webgpu/ops';

const runtime = await Runtime.create();

// A video of 64 clips of 0.64 s, with two moments that its query asks for (seconds).
const layout = { clips: 64, scales: 3, durations: 16 };
const unit = 0.64;
const moments = [
  [5.12, 10.24],
  [16.64, 30.72],
];
const { map } = iouMap(
  {
    spans: runtime.tensor(moments.flat(), [1, moments.length, 2]),
    spanCounts: runtime.tensor([moments.length], [1], 'u32'),
    lengths: runtime.tensor([layout.clips], [1], 'u32'),
    unit,
  },
  layout,
);
for (const { stride, rows } of mapScales(layout)) {
  console.log(`${rows} starts x ${layout.durations} durations, ${(stride * unit).toFixed(2)} s apart`);
}

// The forward process: noise hides the map more and more.
const diffusion = new GaussianDiffusion(runtime);
const random = new Random(runtime, 7);
const clean = await map.read();
for (const time of [0, 250, 500, 999]) {
  const t = runtime.tensor([time], [1], 'u32');
  const noisy = diffusion.addNoise({ x0: map, noise: random.normal(map.shape), t });
  console.log(`at t = ${time} the similarity is ${similarity(clean, await noisy.read()).toFixed(2)}`);
}

// The way back. In place of a trained network stands one that knows the answer.
const predicted = diffusion.sample(random.normal(map.shape), () => map, { steps: 25, clamp: [0, 1] });
const merged = mergeMaps(predicted, layout);
const found = decodeMoments(merged, { unit, count: 2 });

const [count] = await found.counts.read();
const values = await found.moments.read();
for (let i = 0; i < count; i++) {
  const [start, end, score] = values.subarray(3 * i, 3 * i + 3);
  console.log(`moment ${i + 1}: ${start.toFixed(2)} - ${end.toFixed(2)} s, score ${score.toFixed(2)}`);
}
runtime.destroy();

/** Cosine of the angle between two maps: 1 where one is a multiple of the other. */
function similarity(a, b) {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
