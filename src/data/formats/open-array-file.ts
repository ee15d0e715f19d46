import { OptionError } from '../../errors.js';
import { type ByteSource, openSource } from '../files/byte-source.js';
import type { NumericArray } from './array.js';
import type { ArrayFile } from './array-file.js';
import { openHdf5 } from './hdf5.js';
import { parseNpy } from './npy.js';
import { openNpz } from './npz.js';
import { openPyTorch } from './pytorch/pytorch.js';
import { openSafetensors } from './safetensors.js';
import type { StoredTensor } from './safetensors-header.js';

/** Bytes of a `.npy` file that hold the header of any array of numbers. */
const NPY_HEAD = 2 ** 17;

const openers = {
  '.npy': (path) => opened(path, openNpy),
  '.npz': (path) => opened(path, openNpz),
  '.safetensors': async (path) => tensorFile(await openSafetensors(path)),
  '.pt': async (path) => tensorFile(await openPyTorch(path)),
  '.pth': async (path) => tensorFile(await openPyTorch(path)),
  '.hdf5': openHdf5,
  '.h5': openHdf5,
} satisfies Record<string, (path: string) => Promise<ArrayFile>>;

export type ArrayExtension = keyof typeof openers;

/** Extensions of the files that hold arrays. */
export const arrayExtensions = Object.keys(openers) as readonly ArrayExtension[];

/** The extension of a file of arrays, whatever its case; undefined where it is of another kind. */
export const arrayExtension = (path: string): ArrayExtension | undefined =>
  arrayExtensions.find((extension) => path.toLowerCase().endsWith(extension));

/**
 * Opens a file of arrays by its extension. Nothing but headers and directories is read before an array is asked for.
 * @throws FileAccessError, FileFormatError, MissingPackageError, OptionError where the extension is another
 */
export function openArrayFile(path: string): Promise<ArrayFile> {
  const extension = arrayExtension(path);
  if (!extension) throw new OptionError(`${path} is none of ${arrayExtensions.join(', ')}`);
  return openers[extension](path);
}

async function opened(path: string, open: (source: ByteSource) => Promise<ArrayFile>): Promise<ArrayFile> {
  const source = await openSource(path);
  try {
    return await open(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openNpy(source: ByteSource): Promise<ArrayFile> {
  const { name: path, size } = source;
  const header = parseNpy(await source.read(0, Math.min(size, NPY_HEAD)), path);
  return {
    names: () => [''],
    find: async (name) => (name === '' ? header : undefined),
    read: async () => parseNpy(await source.read(0, size), path).read(),
    close: () => source.close(),
  };
}

/** What checkpoints are in common. */
interface Tensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  read(name: string): Promise<NumericArray>;
  close(): Promise<void>;
}

function tensorFile(file: Tensors): ArrayFile {
  return {
    names: () => [...file.tensors.keys()],
    find: async (name) => {
      const tensor = file.tensors.get(name);
      return tensor && { ...tensor, otherKind: `${tensor.storedDtype} elements` };
    },
    read: (name) => file.read(name),
    close: () => file.close(),
  };
}
