import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkpoint,
  openAdapter,
  Runtime,
  stopGradient,
  TalError,
  valueAndGrad,
} from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

// biome-ignore lint/suspicious/noExplicitAny: called as JavaScript calls it
const runtime: any = await testRuntime();
const x = runtime.tensor([1, 2, 3, 4], [2, 2]);
// biome-ignore lint/suspicious/noExplicitAny: called as JavaScript calls it
const js: any = { checkpoint, openAdapter, stopGradient, valueAndGrad, create: Runtime.create };

/** A wrong call, and the whole message. */
type Wrong = Record<string, [() => unknown, string]>;

function refuses(calls: Wrong): void {
  for (const [what, [call, message]] of Object.entries(calls)) {
    it(what, async () => {
      await assert.rejects(
        async () => call(),
        (error) => {
          assert.ok(error instanceof TalError, String(error));
          assert.equal(error.message, message);
          return true;
        },
      );
    });
  }
}

describe('the elements of a tensor are refused:', () => {
  const data = (said: string) => `tensor: data must be an array or typed array of numbers, not ${said}`;
  refuses({
    none: [() => runtime.tensor(), data('undefined')],
    'a string': [() => runtime.tensor('123'), data('"123"')],
    'nested arrays': [
      () =>
        runtime.tensor([
          [1, 2],
          [3, 4],
        ]),
      data('an array of 2 with arrays in it'),
    ],
    'strings in an array': [() => runtime.tensor([1, '2']), data('an array of 2 with strings in it')],
    undefined: [() => runtime.tensor([1, undefined]), data('an array of 2 with undefined in it')],
    null: [() => runtime.tensor([1, null]), data('an array of 2 with null in it')],
    // biome-ignore lint/suspicious/noSparseArray: the hole is the point
    'a hole': [() => runtime.tensor([1, , 3]), data('an array of 3 with undefined in it')],
    'a BigInt': [() => runtime.tensor([1n]), data('an array of 1 with bigints in it')],
    'a BigInt64Array': [() => runtime.tensor(new BigInt64Array(2)), data('a BigInt64Array of 16 bytes')],
    'an ArrayBuffer': [() => runtime.tensor(new ArrayBuffer(8)), data('the ArrayBuffer')],
    'a tensor': [() => runtime.tensor(x), data('the Tensor f32[2, 2]')],
    'nested arrays that are written': [
      () =>
        x.write([
          [1, 2],
          [3, 4],
        ]),
      'write: data must be an array or typed array of numbers, not an array of 2 with arrays in it',
    ],
    'BigInts that are written': [
      () => x.write(new BigUint64Array(4)),
      'write: data must be an array or typed array of numbers, not a BigUint64Array of 32 bytes',
    ],
    'too few that are written': [() => x.write([1]), 'write: f32[2, 2] has 4 elements, the data 1'],
    'too few for the shape': [
      () => runtime.tensor([1, 2], [3]),
      'tensor: shape [3] does not hold 2 elements',
    ],
  });

  it('but not NaN and infinities, which are data like others', async () => {
    const read = await runtime.tensor([Number.NaN, Number.POSITIVE_INFINITY]).read();
    assert.deepEqual([...read], [Number.NaN, Number.POSITIVE_INFINITY]);
  });
});

describe('a shape or type is refused:', () => {
  const buffer = runtime.gpu.device.createBuffer({ size: 1024, usage: runtime.gpu.buffers.usage });
  refuses({
    'a number': [() => runtime.zeros(3), 'zeros: shape must be a list of sizes, not 3'],
    none: [() => runtime.empty(), 'empty: shape must be a list of sizes, not undefined'],
    'a string': [() => runtime.tensor([1], '1'), 'tensor: shape must be a list of sizes, not "1"'],
    'of strings': [() => runtime.zeros(['2']), 'zeros: shape[0] must be a number, not "2"'],
    'a fraction': [
      () => runtime.zeros([2.5]),
      'zeros: every size of the shape must be an integer of at least 1, not [2.5]',
    ],
    'an unknown type': [
      () => runtime.zeros([2], 'float32'),
      'zeros: dtype must be f32, f16, i32 or u32, not "float32"',
    ],
    'a type that is a name of objects': [
      () => runtime.tensor([1], [1], 'constructor'),
      'tensor: dtype must be f32, f16, i32 or u32, not "constructor"',
    ],
    'options in the place of a type': [
      () => runtime.empty([2], { dtype: 'f32' }),
      'empty: dtype must be f32, f16, i32 or u32, not an object with dtype',
    ],
    'what is no buffer': [
      () => runtime.wrap(new ArrayBuffer(8), [2]),
      'wrap: buffer must be a GPUBuffer, not the ArrayBuffer',
    ],
    'an offset that is none': [
      () => runtime.wrap(buffer, [2], 'f32', '256'),
      'wrap: offset must be an integer of at least 0, not "256"',
    ],
  });
});

describe('a view is refused:', () => {
  const sizes = 'reshape: shape must be a list of sizes, one of which may be -1, not';
  refuses({
    'of no shape': [() => x.reshape(), `${sizes} undefined`],
    'of sizes without a list': [() => x.reshape(4, 1), `${sizes} 4`],
    'of strings': [() => x.reshape(['4']), 'reshape: shape[0] must be an integer of at least -1, not "4"'],
    'of NaN': [() => x.reshape([Number.NaN]), 'reshape: shape[0] must be an integer of at least -1, not NaN'],
    'of another size': [() => x.reshape([3]), 'reshape: f32[2, 2] cannot be reshaped to [3]'],
    'of rows that are none': [() => x.rows(1), 'rows: end must be an integer of at least 0, not undefined'],
    'of what is no tensor': [
      () => x.assign([1, 2, 3, 4]),
      'assign: source must be a tensor, not an array of 4 numbers',
    ],
  });
});

describe('a body is refused:', () => {
  for (const name of ['scope', 'capture', 'detached', 'measure']) {
    refuses({
      [`none of ${name}`]: [() => runtime[name](), `${name}: body must be a function, not undefined`],
    });
  }
  for (const name of ['scope', 'capture', 'measure']) {
    refuses({
      [`an asynchronous one of ${name}`]: [
        () => runtime[name](async () => x),
        `${name}: body must be synchronous: read results outside of it`,
      ],
    });
  }
});

describe('a device is refused:', () => {
  refuses({
    'a misspelled option': [
      () => js.create({ adaptor: 'software' }),
      'Runtime.create: unknown option adaptor, did you mean adapter? (it takes adapter, device, immediates, poison, traceTensors and tuning)',
    ],
    'an unknown adapter': [
      () => js.create({ adapter: 'cpu' }),
      'Runtime.create: adapter must be auto, hardware or software, not "cpu"',
    ],
    'a string in the place of options': [
      () => js.create('software'),
      'Runtime.create: the options must be an object with adapter, device, immediates, poison, traceTensors and tuning, not "software"',
    ],
    'what is no device': [
      () => js.create({ device: {} }),
      'Runtime.create: device must be a GPUDevice, not an empty object',
    ],
    'an object in the place of a kind': [
      () => js.openAdapter({ adapter: 'software' }),
      'openAdapter: kind must be auto, hardware or software, not an object with adapter',
    ],
  });
});

describe('differentiation is refused:', () => {
  const counts = runtime.tensor([1], [1], 'u32');
  refuses({
    'by a tensor without a name': [
      () => js.valueAndGrad(x, () => x),
      'valueAndGrad: parameters must be an object of tensors by name, not the Tensor f32[2, 2]',
    ],
    'by a list': [
      () => js.valueAndGrad([x], () => x),
      'valueAndGrad: parameters must be an object of tensors by name, not an array of 1 with objects in it',
    ],
    'by what is no tensor': [
      () => js.valueAndGrad({ a: x, b: [1] }, () => x),
      'valueAndGrad: b must be a tensor, not an array of 1 numbers',
    ],
    'by undefined': [
      () => js.valueAndGrad({ a: undefined }, () => x),
      'valueAndGrad: a must be a tensor, not undefined',
    ],
    'by whole numbers': [
      () => js.valueAndGrad({ counts }, () => x),
      'valueAndGrad: counts must be f32 or f16, not u32[1]',
    ],
    'by nothing': [
      () => js.valueAndGrad({}, () => x),
      'valueAndGrad: parameters must be one tensor or more, not none',
    ],
    'of a value': [
      () => js.valueAndGrad({ x }, x),
      'valueAndGrad: body must be a function, not the Tensor f32[2, 2]',
    ],
    'of a body without a value': [
      () => js.valueAndGrad({ x }, () => undefined),
      'valueAndGrad: the body must return a tensor of one element, not undefined',
    ],
    'that stops at a number': [() => js.stopGradient(1), 'stopGradient: x must be a tensor, not 1'],
    'with a checkpoint of no list': [
      () => js.checkpoint(() => x, x),
      'checkpoint: inputs must be a list of what body takes, not the Tensor f32[2, 2]',
    ],
    'with a checkpoint of no tensor': [
      () => js.checkpoint(() => x, [1]),
      'checkpoint: inputs and parameters must have a tensor, and have none',
    ],
    'with parameters of no tensors': [
      () => js.checkpoint(() => x, [x], [1]),
      'checkpoint: each of inputs and parameters must be a tensor, not 1',
    ],
    'with a checkpoint that gives nothing': [
      () => js.checkpoint(() => undefined, [x]),
      'checkpoint: what body gives must be a tensor, not undefined',
    ],
  });
});

describe('a launch is refused:', () => {
  const source = `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1) fn set_one() { out[0] = 1.0; }`;
  const kernel = { name: 'one', text: source, imports: {} };
  const launch = { source, buffers: {}, workgroups: [1] };
  const fields = 'kernel, source, name, constants, buffers, params and workgroups';
  refuses({
    'of nothing': [
      () => runtime.launch(),
      `launch: the fields must be an object with ${fields}, not undefined`,
    ],
    'with a misspelled field': [
      () => runtime.launch({ ...launch, param: {} }),
      `launch: unknown field param, did you mean params? (it takes ${fields})`,
    ],
    'without a kernel': [
      () => runtime.launch({ buffers: {}, workgroups: [1] }),
      'launch: one of kernel and source must be given, not neither',
    ],
    'of two kernels': [
      () => runtime.launch({ ...launch, kernel }),
      'launch: one of kernel and source must be given, not both',
    ],
    'with a second name of a kernel': [
      () => runtime.launch({ kernel, name: 'two', buffers: {}, workgroups: [1] }),
      'launch: name must be left out beside kernel, which has its own',
    ],
    'of a kernel that is a name': [
      () => runtime.launch({ kernel: 'array/softmax', buffers: {}, workgroups: [1] }),
      'launch: kernel must be the module of a kernel, with name, text and imports, not "array/softmax"',
    ],
    'of a source that is none': [
      () => runtime.launch({ ...launch, source: 7 }),
      'launch: source must be a string, not 7',
    ],
    'with a grid that is no number': [
      () => runtime.launch({ ...launch, workgroups: [Number.NaN] }),
      'launch: workgroups must be one to three integers of at least 1, not an array of 1 numbers',
    ],
    'of a source without an entry point': [
      () => runtime.launch({ ...launch, source: '// fn main' }),
      'kernel without a name has 0 entry points, it must have one',
    ],
    'of a source with another variable than a storage buffer': [
      () =>
        runtime.launch({
          ...launch,
          name: 'pair',
          source: `${source}\n@group(0) @binding(1) var<uniform> two: vec2f;`,
        }),
      'kernel pair: two must be a storage buffer of group 0; numbers go into @group(1) @binding(0) var<uniform> params: Params;',
    ],
    'with a constant of an odd name': [
      () => runtime.launch({ ...launch, constants: { '(': 1 } }),
      'kernel set_one: "(" is no name of a constant',
    ],
    'with data in the place of a buffer': [
      () => runtime.launch({ ...launch, buffers: { out: [1] } }),
      'launch: out must be a tensor, not an array of 1 numbers',
    ],
  });
});
