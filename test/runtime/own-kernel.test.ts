/** Kernels that are given to `runtime.launch` as WGSL. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GpuError, OptionError, type Tensor } from '../../src/index.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

const scaled = `
// @compute @workgroup_size(1) fn commented_out() {}
/* @group(0) @binding(0) var<storage, read> old: array<f32>; /* nested */ struct Params { old: vec4f } */
const FACTOR: f32 = 1.0; // times this
struct Params { count: u32 }
@group(1)  @binding(0)
var<uniform> params : Params;
@group(0) @binding(0) var<storage> x: array<f32>;
@group(0) @binding(1) var<storage,read_write> out: array<f32>;
@compute @workgroup_size(64)
fn scaled(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { out[id.x] = FACTOR * x[id.x]; }
}`;

function scale(x: Tensor, factor: number): Tensor {
  const out = runtime.empty(x.shape);
  runtime.launch({
    source: scaled,
    constants: { FACTOR: factor },
    buffers: { x, out },
    params: { count: x.size },
    workgroups: [Math.ceil(x.size / 64)],
  });
  return out;
}

describe('a kernel of the caller’s own', () => {
  const x = runtime.tensor([1, 2, 3]);

  it('runs, with constants and parameters, and comments count for nothing', async () => {
    assert.deepEqual([...(await scale(x, 3).read())], [3, 6, 9]);
  });

  it('compiles once for each set of constants', async () => {
    await scale(x, 5).read();
    const compiled = runtime.gpu.pipelineCount;
    for (let i = 0; i < 3; i++) assert.deepEqual([...(await scale(x, 5).read())], [5, 10, 15]);
    // The text made anew: strings are equal by their letters.
    const text = scaled.split('').join('');
    const out = runtime.empty([3]);
    const constants = { FACTOR: 5 };
    runtime.launch({ source: text, constants, buffers: { x, out }, params: { count: 3 }, workgroups: [1] });
    assert.equal(runtime.gpu.pipelineCount, compiled);
    await scale(x, 6).read();
    assert.equal(runtime.gpu.pipelineCount, compiled + 1);
  });

  it('is part of captures', async () => {
    const input = runtime.tensor([1, 1, 1]);
    using capture = await runtime.capture(() => scale(scale(input, 2), 2));
    for (const value of [1, 2, 7]) {
      input.write([value, value, value]);
      capture.run();
      assert.deepEqual([...(await capture.outputs.read())], [4 * value, 4 * value, 4 * value]);
    }
  });

  it('tells of a mistake by name and line, be directives before it or parameters', async () => {
    const lines = [
      'diagnostic(off,',
      '  derivative_uniformity);',
      '// a comment',
      'struct Params { count: u32 }',
      '@group(1) @binding(0) var<uniform> params: Params;',
      '@group(0) @binding(0) var<storage, read_write> out: array<f32>;',
      '@compute @workgroup_size(1) fn wrong() {',
      '  /* two',
      '     lines */',
      '  out[0] = params.count;',
      '}',
    ];
    const launch = { buffers: { out: x }, params: { count: 1 }, workgroups: [1] } as const;
    const line = lines.findIndex((text) => text.includes('params.count')) + 1;
    for (const [name, called] of [
      [undefined, 'wrong'],
      ['mine', 'mine'],
    ] as const) {
      runtime.launch({ ...launch, source: lines.join('\n'), name });
      await assert.rejects(runtime.flush(), (error) => {
        assert.ok(error instanceof GpuError);
        assert.match(error.message, new RegExp(`^kernel ${called} does not compile:\n${line}:\\d+ error`));
        assert.match(error.message, /out\[0\] = params\.count;/);
        return true;
      });
    }
    assert.deepEqual([...(await x.read())], [1, 2, 3]);
  });

  it('must be given alone', () => {
    const kernel = { name: 'scaled', text: scaled, imports: {} };
    const launch = { buffers: { x, out: x }, params: { count: 3 }, workgroups: [1] } as const;
    assert.throws(() => runtime.launch({ ...launch, kernel, source: scaled }), OptionError);
    assert.throws(() => runtime.launch(launch), OptionError);
  });
});
