import { hdf5Library } from '../../src/data/formats/hdf5-library.js';

/** Arrays of 32-bit floats by their paths in the file. */
export type Hdf5Arrays = Readonly<Record<string, { readonly shape: number[]; readonly data: Float32Array }>>;

/** The bytes of an HDF5 file, written by the HDF5 library. */
export async function hdf5Bytes(
  arrays: Hdf5Arrays,
  options: { chunks?: number[] } = {},
): Promise<Uint8Array> {
  const library = await hdf5Library();
  const { FS: files } = await library.ready;
  const path = `/${crypto.randomUUID()}`;
  const file = new library.File(path, 'w');
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    const folders = name.split('/').slice(0, -1);
    for (const [i] of folders.entries()) {
      const folder = folders.slice(0, i + 1).join('/');
      if (!file.paths().includes(folder)) file.create_group(folder);
    }
    const compressed = options.chunks && { chunks: options.chunks, compression: 4 };
    file.create_dataset({ name, shape, data, dtype: '<f', ...compressed });
  }
  file.close();
  const bytes = files.readFile(path);
  files.unlink(path);
  return bytes;
}
