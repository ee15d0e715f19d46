import type { Abortable, AbortSignalLike } from '../../abort.js';
import { type Rule, rule } from '../../arguments.js';
import { FileAccessError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { type ByteSource, bytesSource, openSource, parseJson } from './byte-source.js';
import { openUrl } from './url-source.js';

/** `URL` where the consumer has a library with it: so the declarations need no types of pages or of Node. */
export type UrlLike =
  typeof globalThis extends Record<'URL', { prototype: infer Instance }> ? Instance : never;

/**
 * Where the files of a model are: a folder (Node), the address of a folder (http, https; in a page also relative to it),
 * or the bytes of the files by name.
 */
export type FolderSource = string | UrlLike | ReadonlyMap<string, Uint8Array>;

export const folderSourceRule: Rule<FolderSource> = rule(
  'the path or address of a folder, or a Map of names to bytes',
  (value) =>
    value instanceof URL ||
    (typeof value === 'string' && value !== '' && !value.includes('\0')) ||
    (value instanceof Map &&
      [...value].every(([name, bytes]) => typeof name === 'string' && bytes instanceof Uint8Array)),
);

/** How a folder is read. */
export interface FolderOptions extends Abortable {}

/** A folder whose files can be read, wherever it is. */
export interface SourceFolder {
  /** How messages call it. */
  readonly name: string;
  /** How messages call a file of it. */
  pathOf(file: string): string;
  /**
   * @param file its name, or its path from the folder with `/`
   * @throws FileAccessError where there is no such file, or it cannot be read
   */
  open(file: string): Promise<ByteSource>;
}

/** The folder that a source is. Nothing is read yet. */
export async function openFolder(
  source: FolderSource,
  { signal }: FolderOptions = {},
): Promise<SourceFolder> {
  if (source instanceof Map) return bytesFolder(source);
  const url = addressOf(source as string | URL);
  if (url) return urlFolder(url, signal);
  const { join } = await nodeModule('node:path');
  const path = source as string;
  return {
    name: path,
    pathOf: (file) => join(path, file),
    open: (file) => openSource(join(path, file), signal),
  };
}

/** A JSON file of a folder. @throws FileAccessError, FileFormatError */
export async function readJsonIn(folder: SourceFolder, file: string): Promise<unknown> {
  const source = await folder.open(file);
  try {
    return parseJson(await source.read(0, source.size), source.name);
  } finally {
    await source.close();
  }
}

/** The address that a source is, if it is one. */
function addressOf(source: string | URL): URL | undefined {
  if (source instanceof URL) return source;
  if (/^https?:\/\//i.test(source)) return new URL(source);
  return typeof document === 'undefined' ? undefined : new URL(source, document.baseURI);
}

function urlFolder(address: URL, signal: AbortSignalLike | undefined): SourceFolder {
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const pathOf = (file: string) => new URL(file, base).href;
  return { name: address.href, pathOf, open: (file) => openUrl(pathOf(file), signal) };
}

function bytesFolder(files: ReadonlyMap<string, Uint8Array>): SourceFolder {
  const lastPart = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return {
    name: 'the files',
    pathOf: (file) => file,
    open: async (file) => {
      // What stands in another folder on disk is given beside the rest.
      const bytes = files.get(file) ?? files.get(lastPart(file));
      if (bytes) return bytesSource(bytes, file);
      throw new FileAccessError(`there is no ${file} among the files: ${[...files.keys()].join(', ')}`);
    },
  };
}
