import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { NumericArray } from '../../src/data/formats/array.js';
import {
  checkTensors,
  encodeSafetensors,
  openSafetensors,
  takeTensors,
} from '../../src/data/formats/safetensors.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
after(() => rm(folder, { recursive: true }));

const f32 = (shape: number[], ...values: number[]): NumericArray => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(values),
});

/** A file with any header and any data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const refuses = (bytes: Uint8Array, message: RegExp) =>
  assert.rejects(
    openSafetensors(bytes, 'x.safetensors'),
    (error) =>
      error instanceof FileFormatError &&
      error.message.includes('x.safetensors') &&
      message.test(error.message),
  );

const tensorSets = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__metadata__'),
  fc.oneof(
    fc.float32Array({ maxLength: 9 }).map((data) => ({ dtype: 'f32' as const, shape: [data.length], data })),
    fc.uint8Array({ maxLength: 9 }).map((data) => ({ dtype: 'u8' as const, shape: [1, data.length], data })),
    fc
      .uint16Array({ maxLength: 9 })
      .map((data) => ({ dtype: 'bf16' as const, shape: [data.length, 1], data })),
    fc.bigInt64Array({ maxLength: 9 }).map((data) => ({ dtype: 'i64' as const, shape: [data.length], data })),
  ),
  { maxKeys: 6 },
);

test('what is encoded is read again, tensor by tensor', async () => {
  await fc.assert(
    fc.asyncProperty(
      tensorSets,
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
      async (tensors, metadata) => {
        const opened = await openSafetensors(encodeSafetensors(tensors, metadata), 'x');
        assert.deepEqual({ ...opened.metadata }, { ...metadata });
        assert.deepEqual([...opened.tensors.keys()].sort(), Object.keys(tensors).sort());
        for (const [name, array] of Object.entries(tensors)) assert.deepEqual(await opened.read(name), array);
      },
    ),
  );
});

test('rows are read on their own', async () => {
  const opened = await openSafetensors(
    encodeSafetensors({ w: f32([3, 2], 0, 1, 2, 3, 4, 5), s: f32([], 7) }),
  );
  assert.deepEqual(await opened.read('w', { start: 1, end: 3 }), f32([2, 2], 2, 3, 4, 5));
  assert.deepEqual(await opened.read('w', { start: 3, end: 3 }), f32([0, 2]));
  assert.deepEqual(await opened.read('s'), f32([], 7));
  for (const rows of [
    { start: 2, end: 4 },
    { start: -1, end: 1 },
    { start: 2, end: 1 },
    { start: 0.5, end: 1 },
  ]) {
    await assert.rejects(opened.read('w', rows), OptionError);
  }
  await assert.rejects(opened.read('s', { start: 0, end: 1 }), OptionError);
  await assert.rejects(opened.read('absent'), FileFormatError);
});

test('elements are read on their own, whatever the shape', async () => {
  const opened = await openSafetensors(
    encodeSafetensors({ w: f32([3, 2], 0, 1, 2, 3, 4, 5), s: f32([], 7) }),
  );
  assert.deepEqual(await opened.readElements('w', { start: 1, end: 4 }), f32([3], 1, 2, 3));
  assert.deepEqual(await opened.readElements('s', { start: 0, end: 1 }), f32([1], 7));
  await assert.rejects(opened.readElements('w', { start: 5, end: 7 }), OptionError);
  await assert.rejects(opened.readElements('absent', { start: 0, end: 1 }), FileFormatError);
});

test('tensors get other names, or none', async () => {
  const opened = await openSafetensors(encodeSafetensors({ a: f32([1], 1), b: f32([1], 2), c: f32([], 3) }));
  const renamed = opened.renamed((name) => (name === 'b' ? undefined : `x.${name}`));
  assert.deepEqual([...renamed.tensors.keys()].sort(), ['x.a', 'x.c']);
  assert.deepEqual(await renamed.read('x.a'), f32([1], 1));
  assert.throws(
    () => opened.renamed((name) => (name === 'c' ? 'a' : name)),
    (error) => error instanceof FileFormatError && /holds a twice, as a and as c/.test(error.message),
  );
});

test('refuses every breach of the format', async () => {
  await refuses(new Uint8Array(3), /3 bytes/);
  await refuses(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), /header would have/);
  await refuses(Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 0, 123), /would end at byte 108 of 9/);
  await refuses(file('{"a":'), /not JSON/);
  await refuses(file('[]'), /not an object/);
  await refuses(file('null'), /not an object/);
  await refuses(file({ a: 3 }), /tensor a is not described/);
  await refuses(file({ a: tensor(0, 4, [1], 'F8_E4M3') }, 4), /\[1\] of F8_E4M3 takes 1 bytes.* 4/);
  await refuses(file({ a: tensor(0, 4, [3], 'F4') }, 4), /\[3\] of F4 takes 1\.5 bytes/);
  await refuses(file({ a: { dtype: 3, shape: [1], data_offsets: [0, 4] } }, 4), /no valid dtype: 3/);
  await refuses(file({ a: tensor(4, 0, [1], 'X9') }, 4), /span -4/);
  await refuses(file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /no valid shape/);
  await refuses(file({ a: tensor(0, 4, [-1]) }, 4), /no valid shape/);
  await refuses(file({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), /no valid data_offsets/);
  await refuses(file({ a: { dtype: 'F32', shape: [1], data_offsets: [-4, 0] } }, 4), /no valid data_offsets/);
  await refuses(file({ a: tensor(0, 8, [1]) }, 8), /takes 4 bytes, its data_offsets span 8/);
  await refuses(file({ a: tensor(4, 0, [1]) }, 8), /span -4/);
  await refuses(file({ a: tensor(0, 4, [1], 'F16') }, 4), /takes 2 bytes/);
  await refuses(file({ a: tensor(0, 4, [2 ** 52, 2 ** 52]) }, 4), /takes/);
  await refuses(file({ a: tensor(0, 8) }, 4), /the file is cut/);
  await refuses(file({ a: tensor(0, 8), b: tensor(4, 12) }, 12), /overlaps/);
  await refuses(file({ a: tensor(0, 8), b: tensor(0, 8) }, 8), /overlaps/);
  await refuses(file({ a: tensor(0, 4), b: tensor(8, 12) }, 12), /gap/);
  await refuses(file({ a: tensor(0, 4) }, 8), /4 bytes that belong to no tensor/);
  await refuses(file({ __metadata__: { epoch: 3 } }), /__metadata__/);
  const entry = JSON.stringify(tensor(0, 4));
  await refuses(
    file(`{"a":${entry},"b":${JSON.stringify(tensor(4, 8))},"\\u0061" : ${entry}}`, 8),
    /"a" twice/,
  );
  await refuses(
    file('{"a":{"dtype":"F16","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /"dtype" twice/,
  );
});

test('tensors of dtypes that are not read are listed with their sizes, and refused only when they are asked for', async () => {
  const others: [dtype: string, shape: number[], bytes: number][] = [
    ['F8_E4M3', [2, 3], 6],
    ['F8_E5M2', [4], 4],
    ['F8_E8M0', [1], 1],
    ['F8_E4M3FNUZ', [1], 1],
    ['F8_E5M2FNUZ', [], 1],
    ['F6_E2M3', [4], 3],
    ['F6_E3M2', [2, 4], 6],
    ['F4', [2, 3], 3],
    ['C64', [2], 16],
    ['F3_FUTURE', [7], 5],
  ];
  let end = 4;
  const entries = others.map(([dtype, shape, bytes]) => {
    const begin = end;
    end += bytes;
    return [dtype, tensor(begin, end, shape, dtype)] as const;
  });
  const bytes = file({ weight: tensor(0, 4), ...Object.fromEntries(entries) }, end);
  const opened = await openSafetensors(bytes, 'x');
  assert.deepEqual((await opened.read('weight')).shape, [1]);
  for (const [name, shape, byteLength] of others) {
    const { dtype, storedDtype, ...stored } = opened.tensors.get(name)!;
    assert.deepEqual(
      [dtype, storedDtype, stored.shape, stored.byteLength],
      [undefined, name, shape, byteLength],
    );
    for (const reading of [opened.read(name), opened.readElements(name, { start: 0, end: 1 })]) {
      await assert.rejects(reading, (error) => {
        assert.ok(error instanceof FileFormatError);
        assert.match(error.message, new RegExp(`x: tensor ${name} has dtype ${name}, .*F32`));
        return true;
      });
    }
  }
  const wanted = { weight: [1] };
  assert.deepEqual(Object.keys(await takeTensors(opened, wanted, { extra: 'ignore' })), ['weight']);
  checkTensors(opened, wanted, { unused: others.map(([name]) => name) });
  assert.throws(
    () => checkTensors(opened, { ...wanted, F8_E5M2: [4] }, { extra: 'ignore' }),
    /1 of a dtype that is not read: F8_E5M2 of F8_E5M2/,
  );
});

test('shards with tensors of dtypes that are not read are opened, whatever the index says of itself', async () => {
  const model = join(folder, 'float8');
  await mkdir(model);
  await writeFile(
    join(model, 's-1.safetensors'),
    file({ __metadata__: null, a: tensor(0, 4), b: tensor(4, 6, [2], 'F8_E4M3') }, 6),
  );
  const index = { metadata: null, weight_map: { a: 's-1.safetensors', b: 's-1.safetensors' } };
  await writeFile(join(model, 'model.safetensors.index.json'), JSON.stringify(index));
  const sharded = await openSafetensors(model);
  assert.deepEqual([...sharded.tensors.keys()], ['a', 'b']);
  assert.deepEqual((await sharded.read('a')).shape, [1]);
  await assert.rejects(sharded.read('b'), /tensor b has dtype F8_E4M3/);
  await sharded.close();
});

test('metadata may be null, empty or absent', async () => {
  for (const header of [{}, { __metadata__: {} }, { __metadata__: null }]) {
    const opened = await openSafetensors(file({ ...header, a: tensor(0, 4) }, 4));
    assert.deepEqual({ ...opened.metadata }, {});
    assert.deepEqual([...opened.tensors.keys()], ['a']);
  }
});

test('equal names in different objects, and colons and braces in names, are no duplicates', async () => {
  const tensors = {
    'a": {': f32([1], 1),
    '}\\': f32([1], 2),
    dtype: f32([1], 3),
    ['__proto__']: f32([1], 4),
  };
  const opened = await openSafetensors(encodeSafetensors(tensors, { dtype: '":{' }));
  assert.equal(opened.tensors.size, 4);
  assert.deepEqual(await opened.read('__proto__'), f32([1], 4));
});

test('a long string in a hostile header is refused in time', async () => {
  await refuses(file(`{"a":"${'x'.repeat(5_000_000)}"}`), /not described/);
});

test('damaged files give tensors or a FileFormatError, never another error', async () => {
  const whole = encodeSafetensors({ a: f32([2, 2], 1, 2, 3, 4), b: f32([1], 5) }, { format: 'pt' });
  const files = fc.oneof(
    damaged(whole),
    fc.json().map((header) => file(header, 4)),
  );
  await fc.assert(
    fc.asyncProperty(files, async (bytes) => {
      try {
        const opened = await openSafetensors(bytes);
        for (const name of opened.tensors.keys()) await opened.read(name);
      } catch (error) {
        assert.ok(error instanceof FileFormatError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test('opens a file, a folder, an index and its shards', async () => {
  const model = join(folder, 'model');
  await mkdir(model);
  await writeFile(join(model, 'model.safetensors'), encodeSafetensors({ whole: f32([1], 1) }));
  const single = await openSafetensors(model);
  assert.deepEqual(await single.read('whole'), f32([1], 1));
  await single.close();

  const index = { metadata: { total_size: 8 }, weight_map: { a: 's-1.safetensors', b: 's-2.safetensors' } };
  await writeFile(join(model, 's-1.safetensors'), encodeSafetensors({ a: f32([1], 2) }, { format: 'pt' }));
  await writeFile(
    join(model, 's-2.safetensors'),
    encodeSafetensors({ b: f32([1], 3), unlisted: f32([1], 4) }),
  );
  await writeFile(join(model, 'model.safetensors.index.json'), JSON.stringify(index));
  const sharded = await openSafetensors(model);
  assert.deepEqual([...sharded.tensors.keys()], ['a', 'b']);
  assert.deepEqual(await sharded.read('b'), f32([1], 3));
  assert.equal(sharded.metadata.format, 'pt');
  await sharded.close();
});

test('says which file is missing or which index lies', async () => {
  const writeIndex = async (content: unknown) => {
    const path = join(folder, 'bad.safetensors.index.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  await assert.rejects(openSafetensors(join(folder, 'absent.safetensors')), FileAccessError);
  await assert.rejects(openSafetensors(folder), /holds neither model\.safetensors/);
  await assert.rejects(openSafetensors(await writeIndex('{')), /is not JSON/);
  await assert.rejects(openSafetensors(await writeIndex({})), /no weight_map/);
  for (const shard of ['../outside.safetensors', '/etc/passwd', 'a\\b.safetensors', 7]) {
    const index = await writeIndex({ weight_map: { a: shard } });
    await assert.rejects(openSafetensors(index), /names a shard/);
  }
  const absent = await writeIndex({ weight_map: { a: 'absent.safetensors' } });
  await assert.rejects(openSafetensors(absent), (error) => {
    return error instanceof FileAccessError && /absent\.safetensors/.test(error.message);
  });
  await writeFile(join(folder, 'other.safetensors'), encodeSafetensors({ b: f32([1], 1) }));
  const lying = await writeIndex({ weight_map: { a: 'other.safetensors' } });
  await assert.rejects(openSafetensors(lying), /other\.safetensors lacks the tensor a/);
});

test('takeTensors reports all that is missing, of another shape, or extra', async () => {
  const opened = await openSafetensors(
    encodeSafetensors({ w: f32([1, 2], 1, 2), b: f32([2], 3, 4), old: f32([1], 5) }),
    'x',
  );
  await assert.rejects(takeTensors(opened, { w: [2, 1], b: [2], head: [3] }), (error) => {
    assert.ok(error instanceof FileFormatError);
    assert.match(error.message, /1 missing: head \[3\]/);
    assert.match(error.message, /1 of another shape: w is \[1, 2\], wanted \[2, 1\]/);
    assert.match(error.message, /1 not of this model: old/);
    return true;
  });
  const taken = await takeTensors(opened, { w: [1, 2] }, { extra: 'ignore' });
  assert.deepEqual(taken, { w: f32([1, 2], 1, 2) });
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`layer.${i}`, [1]]));
  assert.throws(() => checkTensors(opened, many), /20 missing: .*layer\.7 \[1\] and 12 more/);
});

test('reads real CMCS weights', { skip: missing('cmcs_weights') }, async () => {
  const opened = await openSafetensors(sharedData('cmcs_weights/anet12_i3d_both_20000.safetensors'));
  try {
    assert.deepEqual(opened.tensors.get('cls_heads.3.weight'), {
      ...opened.tensors.get('cls_heads.3.weight'),
      dtype: 'f32',
      shape: [101, 128],
    });
    const bias = await opened.read('att_head.bias');
    assert.equal(bias.data.length, 1);
  } finally {
    await opened.close();
  }
});
