import {
  bytes as bytesRule,
  checkArguments,
  either,
  instanceOf,
  path as pathRule,
  text as textRule,
} from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import { type ByteSource, bytesSource, openSource } from '../files/byte-source.js';
import { elementCount } from './array.js';
import { NPY_START, npyHeaderEnd, otherKind, parseNpyHeader } from './npy.js';
import { numpyGlobals } from './numpy-pickle.js';
import { textElements, textType } from './numpy-text.js';
import { unpickle } from './pickle/pickle.js';
import type { PythonValue, ValueArray } from './python-value.js';

/**
 * Reads a NumPy `.npy` file whose elements are text (`<U`, `|S`) or Python objects: None, booleans, numbers, text, bytes,
 * lists, tuples, dictionaries, sets and arrays of NumPy. Nothing of the file is run: what is no plain data is refused. Arrays
 * in an object array are read into memory of their own, so that little more than the file's size is needed.
 * @param file the path (Node), or the bytes
 * @param name what messages call bytes, which have no path
 * @throws FileAccessError, FileFormatError where the file is damaged, holds numbers (see `readNpy`), or refers to anything
 *   that is no plain data, which the message names
 */
export async function readNpyValues(
  file: string | Uint8Array | ArrayBuffer,
  name = 'array',
): Promise<ValueArray> {
  checkArguments(
    'readNpyValues',
    { file, name },
    {
      file: either(pathRule, either(bytesRule, instanceOf(ArrayBuffer, 'an ArrayBuffer'))),
      name: textRule,
    },
  );
  const source =
    typeof file === 'string'
      ? await openSource(file)
      : bytesSource(file instanceof Uint8Array ? file : new Uint8Array(file), name);
  try {
    return await readValues(source);
  } finally {
    await source.close();
  }
}

async function readValues(source: ByteSource): Promise<ValueArray> {
  const { name, size } = source;
  const start = await source.read(0, Math.min(NPY_START, size));
  const end = npyHeaderEnd(start, size, name);
  const header = parseNpyHeader(await source.read(0, end), name);
  const { descr, dtype, fortranOrder, shape } = header;
  const count = elementCount(shape);
  const bad = (what: string) => new FileFormatError(`${name} ${what}: copy or save it again`);
  if (dtype) throw new FileFormatError(`${name} holds numbers of dtype ${descr}: read it with readNpy`);
  if (/^[<>|=]?O/.test(descr)) {
    const { value, end: last } = await unpickle(source, { globals: numpyGlobals }, end);
    if (!isValueArray(value) || value.shape.join() !== shape.join()) {
      throw bad(`has another array than its header says: [${shape.join(', ')}] of objects`);
    }
    if (last !== size) throw bad(`holds ${size - last} bytes after its array`);
    return value;
  }
  const type = textType(descr);
  if (!type) throw new FileFormatError(`${name} holds ${otherKind(descr)}, which are not read`);
  const wanted = count * type.bytes;
  if (wanted !== size - end || (type.bytes === 0 && count > 0)) {
    throw bad(
      `has shape [${shape.join(', ')}] of ${descr}, which takes ${wanted} bytes, and holds ${size - end}`,
    );
  }
  if (fortranOrder && shape.length > 1) {
    throw new FileFormatError(`${name} holds text in Fortran order: save it with numpy.ascontiguousarray`);
  }
  try {
    return { shape, values: textElements(await source.read(end, wanted), type, count) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FileFormatError(`${name} holds no text of dtype ${descr}: ${cause.message}`, { cause });
  }
}

function isValueArray(value: unknown): value is ValueArray {
  const { shape, values } = Object(value) as { shape?: unknown; values?: readonly PythonValue[] };
  return Array.isArray(shape) && Array.isArray(values);
}
