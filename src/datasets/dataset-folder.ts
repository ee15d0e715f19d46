import { fileAccessError, readBytes } from '../data/files/byte-source.js';
import { FileFormatError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import { ID } from './features/feature-source.js';

/** A folder, seen by what recognises the layout of a data set. */
export interface DatasetFolder {
  readonly path: string;
  /** Names of the files and folders in it, sorted. */
  readonly names: readonly string[];
  /** What a JSON file holds; undefined where it is none. Parsed once. */
  json(name: string): Promise<unknown>;
}

/** @throws FileAccessError where it is no folder that can be read */
export async function openFolder(path: string): Promise<DatasetFolder> {
  const { readdir } = await nodeModule('node:fs/promises');
  const { join } = await nodeModule('node:path');
  const names = await readdir(path).catch((cause) => {
    throw fileAccessError(path, cause);
  });
  const parsed = new Map<string, Promise<unknown>>();
  const parse = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(new TextDecoder().decode(await readBytes(join(path, name))));
    } catch {
      // Whoever reads the file says what is wrong with it.
      return undefined;
    }
  };
  return {
    path,
    names: names.sort(),
    json(name) {
      const value = parsed.get(name) ?? parse(name);
      parsed.set(name, value);
      return value;
    },
  };
}

/** A file of annotations, and the video it is of where it is of one alone. */
export interface FoundFile {
  readonly path: string;
  readonly id?: string;
}

/**
 * The files that a path of `dataset.json` names: itself, or, where its last part has `{id}`, all that it fits, by id.
 * @throws FileAccessError where the folder cannot be read, FileFormatError where it holds no such file
 */
export async function filesOf(folder: string, template: string): Promise<readonly FoundFile[]> {
  const { join } = await nodeModule('node:path');
  if (!template.includes(ID)) return [{ path: join(folder, template) }];
  const parts = template.split('/');
  const last = parts.pop()!;
  const [before, after, ...more] = last.split(ID);
  if (after === undefined || more.length > 0 || parts.some((part) => part.includes(ID)))
    throw new FileFormatError(`${folder}: ${template} must have ${ID} once, in its last part`);
  const { names } = await openFolder(join(folder, ...parts));
  const found = names.flatMap((name) => {
    const fits = name.startsWith(before!) && name.endsWith(after) && name.length > last.length - ID.length;
    if (!fits) return [];
    const id = name.slice(before!.length, name.length - after.length);
    return [{ path: join(folder, ...parts, name), id }];
  });
  if (found.length === 0) throw new FileFormatError(`${folder} holds no file ${template}`);
  return found;
}
