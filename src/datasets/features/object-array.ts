import type { NumericArray } from '../../data/formats/array.js';
import type { ArrayFile } from '../../data/formats/array-file.js';
import { readNpyValues } from '../../data/formats/npy-values.js';
import type { PythonValue } from '../../data/formats/python-value.js';
import { FileFormatError } from '../../errors.js';

/**
 * A `.npy` of Python objects, an array for each video, by the ids of the videos. It is in memory as a whole while it is open:
 * a pickle does not say where its parts are.
 * @param ids in the order of the arrays
 * @throws FileAccessError, FileFormatError where the arrays are not as many as the ids
 */
export async function openObjectArray(path: string, ids: readonly string[]): Promise<ArrayFile> {
  const { values } = await readNpyValues(path);
  if (values.length !== ids.length) {
    throw new FileFormatError(
      `${path} holds ${values.length} arrays, and there are ${ids.length} ids of videos`,
    );
  }
  const arrays = new Map<string, PythonValue>();
  for (const [i, id] of ids.entries()) {
    if (arrays.has(id)) throw new FileFormatError(`${path}: the id ${JSON.stringify(id)} is there twice`);
    arrays.set(id, values[i]!);
  }
  const read = async (name: string): Promise<NumericArray> => {
    const value = arrays.get(name);
    if (isNumericArray(value)) return value;
    throw new FileFormatError(
      `${path}: ${name} is ${arrays.has(name) ? 'no array of numbers' : 'not among the ids'}`,
    );
  };
  return {
    names: () => ids,
    find: async (name) => (arrays.has(name) ? { ...(await read(name)), otherKind: '' } : undefined),
    read,
    close: async () => arrays.clear(),
  };
}

const isNumericArray = (value: PythonValue | undefined): value is NumericArray =>
  typeof value === 'object' && value !== null && 'dtype' in value;
