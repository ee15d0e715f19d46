import { FileAccessError, FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { fileAccessError, openSource } from '../files/byte-source.js';
import type { ArrayDtype, NumericArray } from './array.js';
import { bytesPerElement, elementCount, viewBytes } from './array.js';
import type { ArrayFile, StoredArray } from './array-file.js';
import {
  type Hdf5Library,
  type Hdf5Module,
  hdf5Library,
  mountFile,
  type SyncSource,
} from './hdf5-library.js';

/**
 * Opens an HDF5 file whose datasets are read one by one; a name is the path in the file, such as `v_abc/c3d_features`.
 * A path (Node) is read by range, however large the file is: HDF5 fetches what it needs. Bytes (a page) are in memory as
 * a whole.
 * @param name what messages call bytes
 * @throws FileAccessError, FileFormatError where it is no HDF5 file, MissingPackageError where h5wasm is not installed
 */
export async function openHdf5(file: string | Uint8Array, name = 'HDF5 file'): Promise<ArrayFile> {
  const library = await hdf5Library();
  const module = await library.ready;
  if (typeof file !== 'string') return new Hdf5File(library, module, memorySource(file), name, () => {});
  const { source, close } = await fileSource(file);
  return new Hdf5File(library, module, source, file, close);
}

const memorySource = (bytes: Uint8Array): SyncSource => ({
  size: bytes.length,
  read: (target, position) => {
    const part = bytes.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  },
});

async function fileSource(path: string): Promise<{ source: SyncSource; close(): void }> {
  // The same refusals as every other file gets: what is missing, a folder, a pipe.
  await (await openSource(path)).close();
  const { closeSync, fstatSync, openSync, readSync } = await nodeModule('node:fs');
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (cause) {
    throw fileAccessError(path, cause);
  }
  const source: SyncSource = {
    size: fstatSync(handle).size,
    read: (target, position) => readSync(handle, target, 0, target.length, position),
  };
  return { source, close: () => closeSync(handle) };
}

type Dataset = InstanceType<Hdf5Library['Dataset']>;

class Hdf5File implements ArrayFile {
  private readonly file: InstanceType<Hdf5Library['File']>;
  private readonly unmount: () => void;
  private listed: readonly string[] | undefined;

  constructor(
    private readonly library: Hdf5Library,
    private readonly module: Hdf5Module,
    source: SyncSource,
    private readonly path: string,
    private readonly release: () => void,
  ) {
    const mounted = mountFile(module, source);
    this.unmount = mounted.unmount;
    try {
      this.file = new library.File(mounted.path, 'r');
    } catch (cause) {
      mounted.unmount();
      release();
      throw new FileFormatError(
        `${path} is no HDF5 file that can be read (${reason(cause)}): copy it again`,
        {
          cause,
        },
      );
    }
  }

  names(): readonly string[] {
    this.listed ??= this.attempt('its names', () => this.file.paths()).filter((name) => this.dataset(name));
    return this.listed;
  }

  async find(name: string): Promise<StoredArray | undefined> {
    const dataset = this.dataset(name);
    if (!dataset) return undefined;
    const { shape, ...kind } = this.attempt(name, () => dataset.metadata);
    return { ...elementKind(kind), shape: shape ?? [] };
  }

  async read(name: string): Promise<NumericArray> {
    const dataset = this.dataset(name);
    if (!dataset) throw new FileFormatError(`${this.path} holds no dataset ${name}`);
    const { shape, virtual_sources: virtual, ...metadata } = this.attempt(name, () => dataset.metadata);
    const { dtype, otherKind } = elementKind(metadata);
    if (!dtype || !shape) {
      throw new FileFormatError(`${this.path}: ${name} holds ${shape ? otherKind : 'no array'}, not numbers`);
    }
    if (virtual) {
      throw new FileFormatError(
        `${this.path}: ${name} is a virtual dataset over ${virtual[0]?.file_name ?? 'other files'}: copy its numbers into one file`,
      );
    }
    const bytes = elementCount(shape) * bytesPerElement(dtype);
    return { dtype, shape, data: viewBytes(dtype, this.elements(dataset, name, bytes)) };
  }

  async close(): Promise<void> {
    try {
      this.file.close();
    } finally {
      this.unmount();
      this.release();
    }
  }

  /** The dataset of that name; undefined where there is none, or something else, or a link that leads nowhere. */
  private dataset(name: string): Dataset | undefined {
    if (name === '') return undefined;
    try {
      const found = this.file.get(name);
      return found instanceof this.library.Dataset ? found : undefined;
    } catch {
      // What HDF5 throws where a part of the path is no group, or a link to another file.
      return undefined;
    }
  }

  /** The library gives no halves, so the bytes are taken as it has read them: converted to little-endian. */
  private elements(dataset: Dataset, name: string, length: number): Uint8Array {
    if (length === 0) return new Uint8Array();
    const place = this.module._malloc(length);
    if (!place) {
      throw new FileFormatError(
        `${this.path}: ${name} takes ${length} bytes, more than the HDF5 library holds`,
      );
    }
    try {
      this.attempt(name, () => {
        const { file_id: file, path } = dataset;
        this.module.get_dataset_data(file, path, null, null, null, BigInt(place));
      });
      return this.module.HEAPU8.slice(place, place + length);
    } catch (cause) {
      throw this.unreadable(dataset, name, cause);
    } finally {
      this.module._free(place);
    }
  }

  /** HDF5 names the filter that it lacks only deep in its stack of errors. */
  private unreadable(dataset: Dataset, name: string, cause: unknown): unknown {
    const foreign = dataset.filters.find(({ id }) => id >= FIRST_FOREIGN_FILTER);
    if (!foreign) return cause;
    return new FileFormatError(
      `${this.path}: ${name} is compressed with ${foreign.name || `filter ${foreign.id}`}, which is not read: ` +
        "save it again with compression='gzip'",
      { cause },
    );
  }

  private attempt<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof FileAccessError) throw cause;
      throw new FileFormatError(`${this.path}: ${what} cannot be read (${reason(cause)}): copy it again`, {
        cause,
      });
    }
  }
}

/** Filters below this number are HDF5's own (H5Z_FILTER_RESERVED). */
const FIRST_FOREIGN_FILTER = 256;

/** Classes of types (H5T_class_t) in the order of their numbers. */
const typeClasses = [
  'integers',
  'floating-point numbers',
  'times',
  'text',
  'bit fields',
  'opaque bytes',
  'structures',
  'references',
  'enumerations',
  'lists of varying length',
  'arrays',
];
const INTEGERS = 0;
const FLOATS = 1;

const floats: Readonly<Record<number, ArrayDtype>> = { 2: 'f16', 4: 'f32', 8: 'f64' };
const signedIntegers: Readonly<Record<number, ArrayDtype>> = { 1: 'i8', 2: 'i16', 4: 'i32', 8: 'i64' };
const unsignedIntegers: Readonly<Record<number, ArrayDtype>> = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

interface ElementType {
  /** Its class. */
  readonly type: number;
  /** In bytes. */
  readonly size: number;
  readonly signed: boolean;
}

function elementKind({ type, size, signed }: ElementType): Pick<StoredArray, 'dtype' | 'otherKind'> {
  const known = { [INTEGERS]: signed ? signedIntegers : unsignedIntegers, [FLOATS]: floats }[type];
  const kind = typeClasses[type] ?? 'elements of a type that is not known';
  return { dtype: known?.[size], otherKind: known ? `${kind} of ${size} bytes` : kind };
}

/** The innermost of HDF5's stack of errors, which says what happened, or the first line. */
function reason(cause: unknown): string {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const innermost = lines.findLast((line) => /^\s*#\d+:/.test(line));
  return innermost?.replace(/^.*\(\): /, '') ?? lines[0]!;
}
