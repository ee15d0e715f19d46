import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ArrayDtype,
  elementCount,
  type NumericArray,
  type TypedArray,
  toFloat32,
  viewBytes,
} from '../../src/data/formats/array.js';
import { readNpy, writeNpy } from '../../src/data/formats/npy.js';
import { FileFormatError, OptionError, ShapeError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';

const encoder = new TextEncoder();

/** Files as NumPy wrote them, base64, with its padding of spaces cut short by "~". */
const fromNumpy = (base64: string): Uint8Array =>
  Uint8Array.from(Buffer.from(base64.replaceAll('~', 'ICAg'.repeat(8)), 'base64'));

/** A version 1 file with any header and any data. */
function npy(header: string, data: Uint8Array | number[] = [], version = 1): Uint8Array {
  const text = encoder.encode(header);
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, ...encoder.encode('NUMPY'), version, 0, ...length, ...text, ...data);
}

const refuses = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(
    () => readNpy(bytes, 'x.npy'),
    (error) =>
      error instanceof FileFormatError && error.message.includes('x.npy') && message.test(error.message),
  );

test('reads what NumPy writes: byte orders, Fortran order, versions 1 to 3, scalars, empty arrays', () => {
  const cases: [string, ArrayDtype, number[], number[]][] = [
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPmY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9~~ICAgICAgICAgIArAIAAAv8AAAL8AAAA/AAAAP8AAAEAgAAA=',
      'f32',
      [2, 3],
      [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
    ],
    [
      'k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IFRydWUsICdzaGFwZSc6ICgyLCAzKSwgfSAg~~ICAgICAgIAoAAAAAAAAEwAAAAAAAAOA/AAAAAAAA+L8AAAAAAAD4PwAAAAAAAOC/AAAAAAAABEA=',
      'f64',
      [2, 3],
      [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
    ],
    [
      'k05VTVBZAwB0AAAAeydkZXNjcic6ICc8ZjInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0g~~ICAgICAgIAoAwQC+ALgAOAA+AEE=',
      'f16',
      [2, 3],
      [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
    ],
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAg~~ICAgICAgICAgIAoBAAE=',
      'bool',
      [3],
      [1, 0, 1],
    ],
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIpLCB9~~ICAgICAgICAgIAr//////////wAAAAAAAQAA',
      'i64',
      [1, 2],
      [-1, 2 ** 40],
    ],
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPHUyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0g~~ICAgICAgICAgICAgIAoHAA==',
      'u16',
      [],
      [7],
    ],
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDAsIDQpLCB9~~ICAgICAgICAgIAo=',
      'f32',
      [0, 4],
      [],
    ],
    [
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPmkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0g~~ICAgICAgIAoAAAAMAAQAEAAIABQAAQANAAUAEQAJABUAAgAOAAYAEgAKABYAAwAPAAcAEwALABc=',
      'i16',
      [2, 3, 4],
      Array.from({ length: 24 }, (_, i) => i),
    ],
  ];
  for (const [base64, dtype, shape, values] of cases) {
    const array = readNpy(fromNumpy(base64), 'x.npy');
    assert.equal(array.dtype, dtype);
    assert.deepEqual(array.shape, shape);
    assert.deepEqual([...toFloat32(array)], values);
  }
});

test('reads headers of other writers: Python 2 longs, double quotes, another order of entries', () => {
  const header = '{"shape": (2L, ), "fortran_order": False, "descr": "|u1"}';
  assert.deepEqual(readNpy(npy(header, [3, 4]), 'x.npy'), {
    dtype: 'u8',
    shape: [2],
    data: Uint8Array.of(3, 4),
  });
});

const dtypes = ['f64', 'f32', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8'] as const;

const arrays: fc.Arbitrary<NumericArray> = fc
  .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.nat(255)))
  .map(([dtype, shape, stream]) => {
    const size = { f64: 8, i64: 8, u64: 8, f32: 4, i32: 4, u32: 4, f16: 2, i16: 2, u16: 2, i8: 1, u8: 1 }[
      dtype
    ];
    const bytes = Uint8Array.from(
      { length: elementCount(shape) * size },
      () => stream.next().value as number,
    );
    return { dtype, shape, data: viewBytes(dtype, bytes) };
  });

test('what is written is read again, and elements start at a multiple of 64 bytes', () => {
  fc.assert(
    fc.property(arrays, (array) => {
      const bytes = writeNpy(array);
      assert.equal((bytes.length - array.data.byteLength) % 64, 0);
      assert.deepEqual(readNpy(bytes, 'x.npy'), array);
    }),
  );
});

test('typed arrays are written by themselves, with one axis or a shape', () => {
  const cases: [TypedArray, ArrayDtype][] = [
    [Float64Array.of(1, 2), 'f64'],
    [Float32Array.of(1, 2), 'f32'],
    [BigInt64Array.of(1n, -2n), 'i64'],
    [Int32Array.of(1, -2), 'i32'],
    [Int16Array.of(1, -2), 'i16'],
    [Int8Array.of(1, -2), 'i8'],
    [BigUint64Array.of(1n, 2n), 'u64'],
    [Uint32Array.of(1, 2), 'u32'],
    [Uint16Array.of(1, 2), 'u16'],
    [Uint8Array.of(1, 2), 'u8'],
    [Buffer.from([1, 2]), 'u8'],
  ];
  for (const [array, dtype] of cases) {
    const data = viewBytes(dtype, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    assert.deepEqual(readNpy(writeNpy(array), 'x.npy'), { dtype, shape: [2], data });
    assert.deepEqual(readNpy(writeNpy(array, [1, 2]), 'x.npy'), { dtype, shape: [1, 2], data });
  }
  assert.equal(readNpy(writeNpy(Uint8ClampedArray.of(300)), 'x.npy').data[0], 255);
  const part = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
  assert.deepEqual([...readNpy(writeNpy(part), 'x.npy').data], [1, 2]);
  assert.deepEqual(readNpy(writeNpy(Float32Array.of(5), []), 'x.npy').shape, []);
});

test('refuses to write what is no array of that shape', () => {
  const fails = (
    given: unknown,
    shape: unknown,
    Kind: typeof ShapeError | typeof OptionError,
    message: RegExp,
  ) =>
    assert.throws(
      () => writeNpy(given as Float32Array, shape as number[]),
      (error: Error) =>
        error instanceof Kind && /^writeNpy: /.test(error.message) && message.test(error.message),
    );
  fails(new Float32Array(6), [2, 2], ShapeError, /\[2, 2\] does not hold 6/);
  fails(new Float32Array(1), [-1, -1], ShapeError, /\[-1, -1\]/);
  fails(new DataView(new ArrayBuffer(4)), undefined, OptionError, /not a DataView/);
  const array = { dtype: 'f32', shape: [1], data: new Float32Array(1) };
  fails(array, [1], OptionError, /shape goes with a typed array/);
});

test('refuses what it cannot read, and says what to do', () => {
  const fields = (descr: string, shape: string, order = 'False') =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  refuses(new Uint8Array(), /not a \.npy/);
  refuses(encoder.encode('PK\u0003\u0004 and so on'), /not a \.npy/);
  refuses(npy(fields("'<f4'", '(1,)'), [0, 0, 0, 0], 9), /version 9/);
  refuses(npy(fields("'|O'", '(1,)'), [0]), /objects.*numpy\.save/);
  refuses(npy(fields("[('x', '<f4')]", '(1,)'), [0, 0, 0, 0]), /structured.*numpy\.save/);
  refuses(npy(fields("'<c8'", '(1,)'), [0]), /'<c8'/);
  refuses(npy(fields("'<constructor'", '(1,)'), [0]), /'<constructor'/);
  refuses(npy(fields("'<f4'", '(2,)'), [0, 0, 0, 0]), /takes 8 bytes.*holds 4/);
  refuses(npy(fields("'<f4'", '(1,)'), [0, 0, 0, 0, 0]), /takes 4 bytes.*holds 5/);
  refuses(npy(fields("'<f4'", '(-1,)'), []), /shape/);
  refuses(npy(fields("'<f4'", '(1.5,)'), []), /shape/);
  refuses(npy(fields("'<f4'", '(9007199254740991, 9007199254740991)'), []), /holds 0/);
  refuses(npy(fields("'<f4'", '(99999999999999999999,)'), []), /shape/);
  refuses(npy(fields("'<f4'", '(1,)', '0'), [0, 0, 0, 0]), /fortran_order/);
  refuses(npy(`${'('.repeat(60000)}`), /no dictionary/);
  refuses(npy('42'), /descr/);
  refuses(npy('None'), /descr/);
  refuses(npy(fields("'<f4'", '(1,)')).subarray(0, 20), /ends within/);
});

test('damaged files give an array or a FileFormatError, never another error', () => {
  const whole = writeNpy({ dtype: 'f32', shape: [2, 3], data: new Float32Array(6) });
  const files = fc.oneof(
    damaged(whole),
    fc.uint8Array({ maxLength: 200 }).map((tail) => Uint8Array.of(...whole.subarray(0, 8), ...tail)),
  );
  fc.assert(
    fc.property(files, (bytes) => {
      try {
        readNpy(bytes, 'x.npy');
      } catch (error) {
        assert.ok(error instanceof FileFormatError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
