import type { KernelSource } from '../../src/gpu/kernel-source.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** A kernel of a test's own. */
export function testKernel(name: string, text: string): KernelSource {
  return { name, text, imports: {} };
}

/** a[i] = scale * a[i] + shift, in place: whatever runs out of order shows in the result. */
const scaleShift = testKernel(
  'test/scale_shift',
  `
struct Params { count: u32, scale: f32, shift: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> a: array<f32>;

@compute @workgroup_size(64)
fn scale_shift(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { a[id.x] = params.scale * a[id.x] + params.shift; }
}`,
);

/** out[i] = a[i] + b[i] */
const add = testKernel(
  'test/add',
  `
struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { out[id.x] = a[id.x] + b[id.x]; }
}`,
);

/** Writes its own `count` parameters p0, p1, …: u32 at even places, f32 at odd ones. */
export function echoParameters(count: number): KernelSource {
  const names = Array.from({ length: count }, (_, i) => `p${i}`);
  const fields = names.map((name, i) => `${name}: ${i % 2 ? 'f32' : 'u32'}`);
  return testKernel(
    `test/echo_${count}`,
    `
struct Params { ${fields.join(', ')} }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(1)
fn echo() {
${names.map((name, i) => `  out[${i}] = f32(params.${name});`).join('\n')}
}`,
  );
}

/** a = scale * a + shift, in place. */
export function rescale(a: Tensor, scale: number, shift: number): void {
  a.runtime.launch({
    kernel: scaleShift,
    buffers: { a },
    params: { count: a.size, scale, shift },
    workgroups: [Math.ceil(a.size / 64)],
  });
}

/** a + b, a new tensor. */
export function plus(a: Tensor, b: Tensor): Tensor {
  const out = a.runtime.empty(a.shape);
  a.runtime.launch({
    kernel: add,
    buffers: { a, b, out },
    params: { count: a.size },
    workgroups: [Math.ceil(a.size / 64)],
  });
  return out;
}
