import { MissingPackageError } from '../../errors.js';

export type Hdf5Library = typeof import('h5wasm');
export type Hdf5Module = Awaited<Hdf5Library['ready']>;

let loading: Promise<Hdf5Library> | undefined;

/**
 * The HDF5 library compiled to WebAssembly. It sees no file of this machine but those that `mountFile` gives it: a file that
 * names others (external links, external storage, virtual datasets) reads none of them.
 * @throws MissingPackageError where h5wasm is not installed
 */
export function hdf5Library(): Promise<Hdf5Library> {
  loading ??= load().catch((error: unknown) => {
    // It may be installed meanwhile.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Hdf5Library> {
  try {
    // The name itself, so that bundlers put the package beside the page, in a file that is loaded when it is needed.
    const library = await import('h5wasm');
    const module = await library.ready;
    // Errors are thrown instead of printed.
    module.activate_throwing_error_handler();
    return library;
  } catch (cause) {
    throw new MissingPackageError(
      `HDF5 files need a package that is not here: npm install h5wasm (${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
}

/** Bytes that are read by range at once: the HDF5 library cannot wait. */
export interface SyncSource {
  readonly size: number;
  /** Fills the beginning of `target` with the bytes from `position` on. @returns how many there were */
  read(target: Uint8Array, position: number): number;
}

/** What of Emscripten's file system is used here, which its types leave out. */
interface FileNode {
  node_ops: { getattr(node: FileNode): object };
  stream_ops: object;
}
interface FileSystem {
  createFile(parent: string, name: string, given: object, mayRead: boolean, mayWrite: boolean): FileNode;
  unlink(path: string): void;
}

/**
 * Shows bytes to the HDF5 library as a file that is read by range, as Emscripten's WORKERFS shows a Blob.
 * @returns its path, and what takes it away
 */
export function mountFile(module: Hdf5Module, source: SyncSource): { path: string; unmount(): void } {
  const files = module.FS as unknown as FileSystem;
  // A name that no other file can know and link to.
  const name = crypto.randomUUID();
  const node = files.createFile('/', name, {}, true, false);
  const { getattr } = node.node_ops;
  node.node_ops = {
    ...node.node_ops,
    getattr: (of) => ({ ...getattr(of), size: source.size }),
  };
  node.stream_ops = {
    read: (_: unknown, memory: Int8Array, offset: number, length: number, position: number) =>
      source.read(new Uint8Array(memory.buffer, memory.byteOffset + offset, length), position),
    llseek: (stream: { position: number }, offset: number, whence: number) =>
      offset + (whence === 1 ? stream.position : whence === 2 ? source.size : 0),
  };
  return { path: `/${name}`, unmount: () => files.unlink(`/${name}`) };
}
