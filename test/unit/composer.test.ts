import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allKernels } from '../../kernels/all.js';
import { GpuError } from '../../src/errors.js';
import type { KernelSource } from '../../src/gpu/kernel-source.js';
import { composeKernel, kernelInterface } from '../../src/gpu/wgsl.js';

const entry = '@compute @workgroup_size(1)\nfn main() {}\n';
const parameters = '@group(1) @binding(0) var<uniform> params: Params;\n';

/** A kernel of this text, with an entry point. */
function kernel(text: string, entryPoint = entry, imports: KernelSource['imports'] = {}): KernelSource {
  return { name: 'test/composed', text: text + entryPoint, imports };
}

function compose(
  text: string,
  constants: Record<string, number | boolean | string> = {},
  immediates = false,
) {
  return composeKernel(kernel(text), constants, immediates);
}

describe('constants', () => {
  it('are replaced with the suffix or type of the literal they replace', () => {
    const cases: [string, number | boolean, string][] = [
      ['const N = 8u;', 16, 'const N = 16u;'],
      ['const N = 8i;', -3, 'const N = -3i;'],
      ['const N: u32 = 8;', 4, 'const N: u32 = 4;'],
      ['const N : i32 = 8;', 4, 'const N : i32 = 4;'],
      ['const N = 1.5;', 2, 'const N = 2.0;'],
      ['const N = 1f;', 2, 'const N = 2.0f;'],
      ['const N = 1.0h;', 0.25, 'const N = 0.25h;'],
      ['const N = 0xff;', 5, 'const N = 5;'],
      ['const N = 0xffu;', 5, 'const N = 5u;'],
      ['const N = 1.0;', 1e-5, 'const N = 0.00001;'],
      ['const N = 1.0;', 1e30, 'const N = 1e+30;'],
      ['const N = false;', true, 'const N = true;'],
    ];
    for (const [before, value, after] of cases) {
      assert.ok(compose(`${before}\n`, { N: value }).includes(`${after}\n`), `${before} with ${value}`);
    }
  });

  it('are left alone when not given, and only whole names at top level count', () => {
    const text = compose('const N = 1u;\nconst NN = 2u;\nfn f() {\n  const N = 3u;\n}\n', { N: 9 });
    assert.match(text, /^const N = 9u;\nconst NN = 2u;/m);
    assert.match(text, /^ {2}const N = 3u;/m);
  });

  it('and aliases that the kernel does not have are refused by name', () => {
    assert.throws(() => compose('', { N: 1 }), /no const N/);
    assert.throws(() => compose('const T = 1;\n', { T: 'f32' }), /no alias T/);
    assert.throws(() => compose('alias T = f32;\n', { T: 1 }), /no const T/);
  });
});

describe('aliases', () => {
  it('are replaced; f16 brings its directive', () => {
    const text = 'alias Element = f32;\nalias Four = vec4<Element>;\n';
    assert.match(compose(text, { Element: 'f16' }), /^enable f16;\nalias Element = f16;\nalias Four/);
    assert.ok(!compose(text, { Element: 'f32' }).includes('enable'));
  });
});

describe('imports', () => {
  const importsOfA: Record<string, KernelSource> = {};
  const a = { name: 'a', text: '//! import test/b.wgsl\nenable f16;\nfn a() {}\n', imports: importsOfA };
  const b = { name: 'b', text: '//! import test/a.wgsl\nfn b() {}\n', imports: { 'test/a': a } };
  importsOfA['test/b'] = b;

  it('are put in once, be they nested, doubled or circular', () => {
    const lines = '//! import test/a.wgsl\n//! import test/b.wgsl\n//! import test/a.wgsl\n';
    const text = composeKernel(kernel(lines, entry, { 'test/a': a, 'test/b': b }), {}, false);
    for (const name of ['a', 'b']) assert.equal(text.split(`fn ${name}() {}`).length, 2, name);
    assert.ok(text.startsWith('enable f16;\n'));
  });

  it('of what was not given are refused by name', () => {
    assert.throws(
      () => compose('//! import lib/no_such.wgsl\n'),
      (error: unknown) => {
        assert.ok(error instanceof GpuError);
        assert.match(error.message, /test\/composed imports lib\/no_such\.wgsl/);
        return true;
      },
    );
  });
});

describe('directives', () => {
  it('come first, each once, in the order that WGSL wants', () => {
    const text = compose(
      'fn early() {}\nrequires some_feature;\nenable subgroups;\nenable subgroups;\ndiagnostic(off, derivative_uniformity);\n',
    );
    assert.match(
      text,
      /^diagnostic\(off, derivative_uniformity\);\nenable subgroups;\nrequires some_feature;\nfn early/,
    );
    assert.equal(text.match(/enable subgroups/g)!.length, 1);
  });
});

describe('parameters', () => {
  const text = `struct Params {\n  rows: u32, // rows: not f32\n  shift: i32,\n  eps : f32,\n}\n${parameters}`;

  it('are read in order with their types', () => {
    assert.deepEqual(kernelInterface(kernel(text)).params, [
      { name: 'rows', type: 'u32' },
      { name: 'shift', type: 'i32' },
      { name: 'eps', type: 'f32' },
    ]);
  });

  it('become immediates where asked for', () => {
    assert.match(compose(text, {}, true), /^requires immediate_address_space;\n/);
    assert.match(compose(text, {}, true), /^var<immediate> params: Params;$/m);
    assert.ok(compose(text, {}, false).includes(parameters));
    assert.ok(!compose('', {}, true).includes('immediate'), 'a kernel without parameters needs none');
  });

  it('must be 32-bit scalars in the one uniform', () => {
    assert.throws(() => compose(`struct Params { at: vec2f }\n${parameters}`), /at is a vec2f/);
    assert.throws(() => compose(`struct Params { at: array<u32, 4> }\n${parameters}`), /at is a array<u32/);
    assert.throws(() => compose('struct Params { n: u32 }\n'), /must declare @group\(1\)/);
  });
});

describe('storage bindings', () => {
  const binding = (index: number, name: string, access = 'read') =>
    `@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<f32>;\n`;

  it('are read in the order of their numbers', () => {
    const text = binding(1, 'out', 'read_write') + binding(0, 'x');
    assert.deepEqual(kernelInterface(kernel(text)).bindings, [
      { name: 'x', access: 'read' },
      { name: 'out', access: 'read_write' },
    ]);
  });

  it('are numbered from 0 without gaps or doubles', () => {
    assert.throws(() => compose(binding(0, 'a') + binding(2, 'b')), /gaps/);
    assert.throws(() => compose(binding(1, 'a')), /gaps/);
    assert.throws(() => compose(binding(0, 'a') + binding(0, 'b')), /binding 0 is declared twice/);
  });
});

describe('entry points', () => {
  it('are one a file', () => {
    assert.throws(() => kernelInterface(kernel('', '')), /0 entry points/);
    assert.throws(() => kernelInterface(kernel(entry, entry.replace('main', 'other'))), /2 entry points/);
    assert.equal(kernelInterface(kernel('')).entryPoint, 'main');
  });
});

describe('the package’s kernels', () => {
  for (const kernel of allKernels) {
    it(`${kernel.name} keeps to the conventions`, () => {
      const { bindings, entryPoint } = kernelInterface(kernel);
      assert.ok(bindings.length >= 1 && bindings.length <= 8, `${bindings.length} storage bindings`);
      assert.ok(entryPoint !== 'main', 'an entry point is named for what it computes');
    });
  }
});
