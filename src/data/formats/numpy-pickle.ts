import { type ArrayData, bytesPerElement, elementCount, type NumericArray } from './array.js';
import { dtypeOf, isShape, readElements } from './npy.js';
import { textElements, textType } from './numpy-text.js';
import { PickleFault } from './pickle/fault.js';
import { functions, PickleFunction, type PickleGlobals } from './pickle/globals.js';
import { latin1Bytes } from './pickle/literals.js';
import type { ValueArray } from './python-value.js';

/** NumPy's type of elements, which a pickle makes of a code and then tells the byte order of. */
class ElementType {
  order = '|';

  constructor(readonly code: string) {}

  /** As the header of a `.npy` has it. */
  get descr(): string {
    return `${this.order}${this.code}`;
  }
}

function elementType(args: readonly unknown[]): ElementType {
  const [code] = args;
  if (typeof code !== 'string' || !/^[a-zA-Z]\d{0,9}$/.test(code)) {
    throw new PickleFault('has an array of a dtype that is not read');
  }
  return new ElementType(code);
}

/** The state is (version, byte order, subarray, names, fields, size, alignment, flags, …). */
function setElementType(made: object, state: unknown): void {
  const [, order, subarray, names] = Array.isArray(state) ? state : [];
  if (typeof order !== 'string' || !/^[<>|=]$/.test(order) || subarray !== null || names !== null) {
    throw new PickleFault('has an array of a structured dtype, which is not read');
  }
  (made as ElementType).order = order;
}

/** The elements of an array, from the bytes or the list that a pickle has of them. */
function arrayOf(
  type: unknown,
  shape: unknown,
  fortranOrder: unknown,
  stored: unknown,
): NumericArray | ValueArray {
  if (!(type instanceof ElementType)) throw new PickleFault('has an array without a dtype');
  if (!isShape(shape)) throw new PickleFault('has an array without a valid shape');
  const count = elementCount(shape);
  const what = `an array [${shape.join(', ')}] of dtype ${type.descr}`;
  if (type.code.startsWith('O')) {
    if (!Array.isArray(stored) || stored.length !== count) {
      throw new PickleFault(`has ${what} without its ${count} elements`);
    }
    // Whatever the order of the array, its objects are listed row by row.
    return { shape, values: stored };
  }
  const bytes = typeof stored === 'string' ? latin1Bytes(stored) : stored;
  const numbers = dtypeOf(type.descr);
  const text = textType(type.descr);
  if (!numbers.dtype && !text) throw new PickleFault(`has ${what}, which is not read`);
  const size = numbers.dtype ? bytesPerElement(numbers.dtype) : text!.bytes;
  if (!(bytes instanceof Uint8Array) || bytes.length !== count * size || (size === 0 && count > 0)) {
    const held = bytes instanceof Uint8Array ? `${bytes.length} bytes` : 'something else';
    throw new PickleFault(`has ${what}, which takes ${count * size} bytes, and ${held} for it`);
  }
  if (numbers.dtype) {
    const header = { ...numbers, descr: type.descr, fortranOrder: fortranOrder === true, shape };
    return readElements(bytes, header, 'a pickle');
  }
  if (fortranOrder === true && shape.length > 1) throw new PickleFault(`has ${what} in Fortran order`);
  try {
    return { shape, values: textElements(bytes, text!, count) };
  } catch (error) {
    throw new PickleFault(`has ${what}: ${(error as Error).message}`);
  }
}

/** The state of an array is (version, shape, dtype, Fortran order, elements). */
function setArray(made: object, state: unknown): void {
  const [, shape, type, fortranOrder, stored] = Array.isArray(state) ? state : [];
  Object.assign(made, arrayOf(type, shape, fortranOrder, stored));
}

/** One element of an array as a value of its own. */
function scalar([type, stored]: readonly unknown[]): unknown {
  const { order = '', code = '' } = type instanceof ElementType ? type : {};
  if (code.startsWith('O')) return stored;
  if (order === '') throw new PickleFault('has a number of NumPy without a dtype');
  const array = arrayOf(type, [], false, stored);
  if ('values' in array) return array.values[0];
  const { dtype, data } = array;
  if (dtype === 'bool') return data[0] !== 0;
  if (dtype === 'f16') throw new PickleFault('has a number of dtype float16 by itself, which is not read');
  return plainNumber(data);
}

function plainNumber([value]: ArrayData | readonly (number | bigint)[]): number | bigint {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value!;
}

/** NumPy 1 and 2 have different names for the modules. */
const ofCore = (core: string): readonly PickleFunction[] => [
  // Its argument is a class and an empty shape: all is in the state.
  new PickleFunction(`${core}.multiarray._reconstruct`, () => ({}), setArray, true),
  new PickleFunction(`${core}.multiarray.scalar`, scalar),
  // Protocol 5: (bytes, dtype, shape, order).
  new PickleFunction(`${core}.numeric._frombuffer`, ([stored, type, shape, order]) =>
    arrayOf(type, shape, order === 'F', stored),
  ),
];

/** What pickles of arrays, dtypes and numbers of NumPy refer to. */
export const numpyGlobals: PickleGlobals = new Map([
  ...functions(
    ...ofCore('numpy.core'),
    ...ofCore('numpy._core'),
    new PickleFunction('numpy.dtype', elementType, setElementType),
  ),
  ['numpy.ndarray', 'numpy.ndarray'],
]);
