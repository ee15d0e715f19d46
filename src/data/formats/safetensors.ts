import {
  bytes as bytesRule,
  callback,
  checkArgument,
  checkArguments,
  either,
  instanceOf,
  integer,
  objectWith,
  optional,
  path as pathRule,
  text as textRule,
  valuesOf,
} from '../../arguments.js';
import { FileAccessError, FileFormatError, OptionError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { type ByteSource, bytesSource, fileAccessError, openSource } from '../files/byte-source.js';
import { openFolder, readJsonIn, type SourceFolder } from '../files/source-folder.js';
import {
  type ArrayDtype,
  arrayRule,
  bytesOf,
  bytesPerElement,
  elementCount,
  type NumericArray,
  viewBytes,
} from './array.js';
import {
  dtypeOfName,
  type Header,
  isObject,
  type Location,
  readHeader,
  type StoredTensor,
} from './safetensors-header.js';

export type { StoredTensor } from './safetensors-header.js';

/** Which rows (along the first axis) or elements of a tensor to read: [start, end). */
export interface RowRange {
  start: number;
  end: number;
}

const rowsRule = objectWith<RowRange>({ start: integer(0), end: integer(0) });

/**
 * An open checkpoint: one safetensors file, or the shards that an index names. Only the headers are in
 * memory; tensors are read one by one, or in parts where one is larger than what should be held at once.
 */
export class Safetensors {
  private readonly locations: ReadonlyMap<string, Location>;

  /** The `__metadata__` of the header: free strings, such as `format`. */
  readonly metadata: Readonly<Record<string, string>>;

  /** @internal For `openSafetensors`. */
  constructor(
    /** What messages call it. */
    readonly name: string,
    { locations, metadata }: Header,
    private readonly sources: readonly ByteSource[],
  ) {
    this.locations = locations;
    this.metadata = metadata;
  }

  /** Every tensor by name, those of dtypes that are not read too. */
  get tensors(): ReadonlyMap<string, StoredTensor> {
    return this.locations;
  }

  /**
   * Reads a tensor, or some of its rows (the result's first axis then has `end - start` entries).
   * @throws FileFormatError where there is no tensor of that name, or its dtype is not read; OptionError where the rows
   *   are out of range
   */
  async read(tensor: string, rows?: RowRange): Promise<NumericArray> {
    checkArguments('Safetensors.read', { tensor, rows }, { tensor: textRule, rows: optional(rowsRule) });
    const location = this.#readable(tensor);
    const shape = rows ? rowShape(tensor, location.shape, rows) : location.shape;
    return readAt(location, rows ? rows.start * elementCount(shape.slice(1)) : 0, shape);
  }

  /**
   * Reads some of a tensor's elements in the order of their storage, whatever its shape: one axis of `end - start`.
   * @throws FileFormatError where there is no tensor of that name, or its dtype is not read; OptionError where the
   *   elements are out of range
   */
  async readElements(tensor: string, elements: RowRange): Promise<NumericArray> {
    checkArguments(
      'Safetensors.readElements',
      { tensor, elements },
      { tensor: textRule, elements: rowsRule },
    );
    const location = this.#readable(tensor);
    const shape = rowShape(tensor, [elementCount(location.shape)], elements);
    return readAt(location, elements.start, shape);
  }

  /**
   * The same files with other names for the tensors; one that `rename` gives none is left out.
   * @throws FileFormatError where two tensors get one name
   */
  renamed(rename: (tensor: string) => string | undefined): Safetensors {
    checkArgument('Safetensors.renamed', 'rename', rename, callback);
    const locations = new Map<string, Location>();
    const before = new Map<string, string>();
    for (const [tensor, location] of this.locations) {
      const name = rename(tensor);
      if (name === undefined) continue;
      const other = before.get(name);
      if (other !== undefined) {
        throw new FileFormatError(`${this.name} holds ${name} twice, as ${other} and as ${tensor}`);
      }
      before.set(name, tensor);
      locations.set(name, location);
    }
    return new Safetensors(this.name, { locations, metadata: this.metadata }, this.sources);
  }

  #readable(tensor: string): Readable {
    const location = this.locations.get(tensor);
    if (!location) throw new FileFormatError(`${this.name} holds no tensor ${tensor}`);
    const { dtype, storedDtype } = location;
    if (!dtype) {
      throw new FileFormatError(
        `${this.name}: tensor ${tensor} has dtype ${storedDtype}, not one of those that are read: ${readDtypes}`,
      );
    }
    return { ...location, dtype };
  }

  /** Closes its files; tensors that were read stay valid. */
  async close(): Promise<void> {
    await Promise.all(this.sources.map((source) => source.close()));
  }
}

/** A tensor whose elements can be read. */
type Readable = Location & { readonly dtype: ArrayDtype };

const readDtypes = [...dtypeOfName.keys()].join(', ');

/** An array of `shape` from element `first` of a tensor on. */
async function readAt(
  { dtype, source, offset }: Readable,
  first: number,
  shape: readonly number[],
): Promise<NumericArray> {
  const size = bytesPerElement(dtype);
  const bytes = await source.read(offset + first * size, elementCount(shape) * size);
  return { dtype, shape, data: viewBytes(dtype, bytes) };
}

function rowShape(tensor: string, shape: readonly number[], { start, end }: RowRange): number[] {
  const [rows, ...rest] = shape;
  const integers = Number.isInteger(start) && Number.isInteger(end);
  if (rows === undefined || !integers || start < 0 || start > end || end > rows) {
    throw new OptionError(`Rows [${start}, ${end}) are not within ${tensor} [${shape.join(', ')}]`);
  }
  return [end - start, ...rest];
}

/**
 * Opens a checkpoint for reading tensor by tensor.
 * @param checkpoint the bytes of a `.safetensors` file, or (Node) the path of one, of a
 *   `*.safetensors.index.json`, or of a folder with `model.safetensors.index.json` or `model.safetensors`
 * @param name what messages call bytes, which have no path
 * @throws FileAccessError where a file is missing or may not be read, FileFormatError where a header breaks
 *   a rule of the format, or a shard lacks a tensor that the index promises
 */
export async function openSafetensors(
  checkpoint: string | ArrayBuffer | Uint8Array,
  name = 'checkpoint',
): Promise<Safetensors> {
  checkArguments(
    'openSafetensors',
    { checkpoint, name },
    {
      checkpoint: either(pathRule, either(bytesRule, instanceOf(ArrayBuffer, 'an ArrayBuffer'))),
      name: textRule,
    },
  );
  if (typeof checkpoint !== 'string') {
    const bytes = checkpoint instanceof Uint8Array ? checkpoint : new Uint8Array(checkpoint);
    return openSafetensorsFile(bytesSource(bytes, name));
  }
  if (await isFolder(checkpoint)) return openSafetensorsIn(await openFolder(checkpoint));
  if (checkpoint.endsWith('.json')) {
    const { basename, dirname } = await nodeModule('node:path');
    return openShards(await openFolder(dirname(checkpoint)), basename(checkpoint));
  }
  return openSafetensorsFile(await openSource(checkpoint));
}

/** Opens a checkpoint of one file, which is closed with it. @throws FileFormatError */
export function openSafetensorsFile(source: ByteSource): Promise<Safetensors> {
  return open(source.name, [source], ([header]) => header!);
}

/** Reads the headers of `sources` and joins them; closes what it was given where that fails. */
async function open(
  name: string,
  sources: ByteSource[],
  join: (headers: Header[]) => Header,
): Promise<Safetensors> {
  try {
    return new Safetensors(name, join(await Promise.all(sources.map(readHeader))), sources);
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
}

/**
 * Opens the checkpoint of a folder: the shards of `model.safetensors.index.json`, or `model.safetensors`.
 * @throws as `openSafetensors`
 */
export async function openSafetensorsIn(folder: SourceFolder): Promise<Safetensors> {
  const index = await found(folder, indexFile);
  if (index) {
    await index.close();
    return openShards(folder, indexFile);
  }
  const whole = await found(folder, 'model.safetensors');
  if (whole) return openSafetensorsFile(whole);
  throw new FileAccessError(`${folder.name} holds neither ${indexFile} nor model.safetensors`);
}

const indexFile = 'model.safetensors.index.json';

/** Undefined where there is no such file; one that is there and cannot be read is an error. */
async function found(folder: SourceFolder, file: string): Promise<ByteSource | undefined> {
  try {
    return await folder.open(file);
  } catch (error) {
    const cause =
      error instanceof FileAccessError ? (error.cause as NodeJS.ErrnoException | undefined) : null;
    if (cause === undefined || cause?.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const { stat } = await nodeModule('node:fs/promises');
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw fileAccessError(path, cause);
  }
}

async function openShards(folder: SourceFolder, file: string): Promise<Safetensors> {
  const indexPath = folder.pathOf(file);
  const index = await readJsonIn(folder, file);
  const weightMap = isObject(index) ? index.weight_map : undefined;
  if (!isObject(weightMap)) throw new FileFormatError(`${indexPath} has no weight_map`);
  const files = [...new Set(Object.values(weightMap))].map((file) => {
    // A checkpoint from elsewhere must not make us open a file outside its folder.
    if (typeof file === 'string' && /^[^/\\]+\.safetensors$/.test(file)) return file;
    throw new FileFormatError(
      `${indexPath} names a shard ${JSON.stringify(file)}, not a .safetensors beside it`,
    );
  });
  const sources: ByteSource[] = [];
  try {
    for (const file of files) sources.push(await folder.open(file));
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  return open(indexPath, sources, (headers) => {
    const locations = new Map<string, Location>();
    for (const [tensor, file] of Object.entries(weightMap)) {
      const location = headers[files.indexOf(file as string)]!.locations.get(tensor);
      if (!location)
        throw new FileFormatError(`${file} lacks the tensor ${tensor} that ${indexPath} promises`);
      locations.set(tensor, location);
    }
    return { locations, metadata: Object.assign({}, ...headers.map(({ metadata }) => metadata)) };
  });
}

/** A tensor that is written: what the header of its file says of it. */
type Described = Pick<NumericArray, 'dtype' | 'shape'>;

const nameOfDtype = new Map([...dtypeOfName].map(([name, dtype]) => [dtype, name]));

/**
 * What comes before the tensors' bytes in a safetensors file, and the order of these. The header is padded with spaces so that
 * the data starts at a multiple of 8 bytes; tensors are laid out by falling element size, as the reference implementation
 * does, so that each is aligned.
 */
function encodeHeader(
  tensors: readonly (readonly [name: string, Described])[],
  metadata: Readonly<Record<string, string>> | undefined,
): { readonly header: Uint8Array; readonly order: readonly string[]; readonly dataBytes: number } {
  const entries = [...tensors].sort(([, a], [, b]) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  let end = 0;
  const described = entries.map(([name, { dtype, shape }]) => {
    const begin = end;
    end += elementCount(shape) * bytesPerElement(dtype);
    return [name, { dtype: nameOfDtype.get(dtype), shape, data_offsets: [begin, end] }];
  });
  const json = JSON.stringify({
    ...(metadata && { __metadata__: metadata }),
    ...Object.fromEntries(described),
  });
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return { header, order: entries.map(([name]) => name), dataBytes: end };
}

/** The bytes of a safetensors file. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NumericArray>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  checkArguments(
    'encodeSafetensors',
    { tensors, metadata },
    { tensors: valuesOf(arrayRule), metadata: optional(valuesOf(textRule)) },
  );
  const { header, order, dataBytes } = encodeHeader(Object.entries(tensors), metadata);
  const bytes = new Uint8Array(header.length + dataBytes);
  bytes.set(header);
  let offset = header.length;
  for (const name of order) {
    const array = tensors[name]!;
    bytes.set(bytesOf(array), offset);
    offset += array.data.byteLength;
  }
  return bytes;
}

/**
 * The bytes of a safetensors file in parts, one tensor after the other, for more tensors than fit in memory.
 * @param read gives each tensor when its turn comes
 */
export async function* safetensorsParts(
  tensors: ReadonlyMap<string, Described>,
  read: (name: string) => Promise<NumericArray>,
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const { header, order } = encodeHeader([...tensors], metadata);
  yield header;
  for (const name of order) yield bytesOf(await read(name));
}

export interface TakeOptions {
  /** What to do about tensors that were not asked for: 'refuse' (default) or 'ignore'. */
  readonly extra?: 'refuse' | 'ignore';
  /** Names that a checkpoint may hold and that are not read. */
  readonly unused?: readonly string[];
}

/**
 * Checks that a checkpoint holds exactly the tensors of a model.
 * @param shapes the shape of each tensor by name
 * @throws FileFormatError with every tensor that is missing, has another shape or a dtype that is not read, or was not
 *   asked for
 */
export function checkTensors(
  file: Pick<Safetensors, 'name' | 'tensors'>,
  shapes: Readonly<Record<string, readonly number[]>>,
  { extra = 'refuse', unused = [] }: TakeOptions = {},
): void {
  const print = (shape: readonly number[]) => `[${shape.join(', ')}]`;
  const missing: string[] = [];
  const misshapen: string[] = [];
  const unreadable: string[] = [];
  for (const [name, shape] of Object.entries(shapes)) {
    const stored = file.tensors.get(name);
    if (!stored) missing.push(`${name} ${print(shape)}`);
    else if (print(stored.shape) !== print(shape)) {
      misshapen.push(`${name} is ${print(stored.shape)}, wanted ${print(shape)}`);
    } else if (!stored.dtype) unreadable.push(`${name} of ${stored.storedDtype}`);
  }
  const known = new Set([...Object.keys(shapes), ...unused]);
  const unasked = extra === 'ignore' ? [] : [...file.tensors.keys()].filter((name) => !known.has(name));
  const faults = [
    listed('missing', missing),
    listed('of another shape', misshapen),
    listed('of a dtype that is not read', unreadable),
    listed('not of this model', unasked),
  ].filter((fault) => fault !== '');
  if (faults.length > 0) {
    throw new FileFormatError(
      `${file.name} does not fit the model. ${faults.join('. ')}. Check that checkpoint and configuration belong together`,
    );
  }
}

function listed(fault: string, items: readonly string[], most = 8): string {
  if (items.length === 0) return '';
  const rest = items.length > most ? ` and ${items.length - most} more` : '';
  return `${items.length} ${fault}: ${items.slice(0, most).join(', ')}${rest}`;
}

/**
 * Reads the tensors of a model, after `checkTensors`.
 * @param shapes the shape of each tensor by name
 * @throws FileFormatError with every tensor that is missing, has another shape, or was not asked for
 */
export async function takeTensors<Name extends string>(
  file: Safetensors,
  shapes: Readonly<Record<Name, readonly number[]>>,
  options?: TakeOptions,
): Promise<Record<Name, NumericArray>> {
  checkTensors(file, shapes, options);
  const taken: [string, NumericArray][] = [];
  for (const name of Object.keys(shapes)) taken.push([name, await file.read(name)]);
  return Object.fromEntries(taken) as Record<Name, NumericArray>;
}
