// A kernel of your own, with the tensors, captures and caches of the package.
//   node examples/own-kernel.mjs
import { Runtime } from 'tal-webgpu';
import { sum } from 'tal-webgpu/ops';

const runtime = await Runtime.create();

// One step of a smoothing filter. Buffers are named by the variables; `struct Params` holds numbers that differ from
// launch to launch; a top-level `const` may be replaced, and each value is a pipeline of its own.
const source = `
const RADIUS = 1;

struct Params { count: u32, weight: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn smooth_signal(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.count) { return; }
  var total = 0.0;
  for (var offset = -RADIUS; offset <= RADIUS; offset++) {
    total += x[clamp(i32(id.x) + offset, 0, i32(params.count) - 1)];
  }
  out[id.x] = mix(x[id.x], total / f32(2 * RADIUS + 1), params.weight);
}`;

/** [count] to [count]: each element nearer to the mean of its neighbours. */
function smooth(x, radius, weight) {
  const out = runtime.empty(x.shape);
  runtime.launch({
    source,
    constants: { RADIUS: radius },
    buffers: { x, out },
    params: { count: x.size, weight },
    workgroups: [Math.ceil(x.size / 64)],
  });
  return out;
}

const signal = runtime.tensor([0, 0, 0, 9, 0, 0, 0]);
console.log(`smooth: ${(await smooth(signal, 1, 1).read()).join(' ')}`);

// A capture runs it again without this code; operations of the package go on with its results.
const capture = await runtime.capture(() => {
  const once = smooth(signal, 2, 0.5);
  return { once, total: sum(smooth(once, 2, 0.5)) };
});
capture.run();
const { once, total } = capture.outputs;
console.log(
  `half of it, five neighbours: ${Array.from(await once.read(), (value) => value.toFixed(1)).join(' ')}`,
);
console.log(`the sum after two steps: ${(await total.read())[0].toFixed(1)}`);

// What does not compile is told by name and line when it should run.
runtime.launch({
  source: source.replace('total / f32', 'total / u32'),
  name: 'with_a_mistake',
  buffers: { x: signal, out: runtime.empty([7]) },
  params: { count: 7, weight: 1 },
  workgroups: [1],
});
await runtime.flush().catch((error) => console.log(error.message));
runtime.destroy();
