import { fileAccessError, readBytes, readJson } from '../../data/files/byte-source.js';
import { readNpyValues } from '../../data/formats/npy-values.js';
import { FileAccessError, FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { type FeaturePart, ID, staysInside } from './feature-source.js';

/**
 * The path of a file of features in the folder.
 * @param file as `FeaturePart.file`, `{id}` replaced
 * @throws FileFormatError where the id leads out of the folder; FileAccessError where there is no such file, or a link
 *   leads out of the folder
 */
export async function pathInside(folder: string, file: string): Promise<string> {
  if (!staysInside(file)) {
    throw new FileFormatError(
      `${folder}: ${JSON.stringify(file)} is no path in the folder: the id cannot name a file`,
    );
  }
  const { realpath } = await nodeModule('node:fs/promises');
  const { join, relative, isAbsolute } = await nodeModule('node:path');
  const path = join(folder, file);
  const [root, real] = await Promise.all([realpath(folder), realpath(path)]).catch((cause) => {
    throw fileAccessError(path, cause);
  });
  const way = relative(root, real);
  if (way.startsWith('..') || isAbsolute(way)) {
    throw new FileAccessError(
      `${path} is a link that leads out of the folder of the data set: move the files into it, or open the folder that holds them`,
    );
  }
  return path;
}

/** `{id}` replaced. */
export const withId = (template: string, id: string): string => template.replaceAll(ID, id);

/** What `{id}` stands for in a text that a template fits; undefined where it does not fit. */
export function idIn(template: string, text: string): string | undefined {
  const [before, ...between] = template.split(ID).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  // The second and later {id} must be the same.
  const pattern = `^${before}${between.map((part, i) => (i === 0 ? `(.+)${part}` : `\\1${part}`)).join('')}$`;
  return new RegExp(pattern, 's').exec(text)?.[1];
}

/**
 * Ids of the files that a template fits, sorted.
 * @throws FileAccessError where the folder cannot be read
 */
export async function idsOfFiles(folder: string, template: string): Promise<string[]> {
  const { readdir } = await nodeModule('node:fs/promises');
  const { join } = await nodeModule('node:path');
  const parts = template.split('/');
  // Folders before the first {id} are known; what is below is listed.
  const known = parts.slice(
    0,
    parts.findIndex((part) => part.includes(ID)),
  );
  const deep = parts.length - known.length > 1;
  const top = join(folder, ...known);
  const names = await readdir(top, { recursive: deep }).catch((cause) => {
    throw fileAccessError(top, cause);
  });
  const ids = names.map((name) => idIn(template, [...known, name.replaceAll('\\', '/')].join('/')));
  return ids.filter((id) => id !== undefined).sort();
}

/** The ids of a part that holds all videos in one array, in their order. @throws FileAccessError, FileFormatError */
export async function idsOfPart(
  folder: string,
  ids: NonNullable<FeaturePart['ids']>,
): Promise<readonly string[]> {
  if (typeof ids !== 'string') return ids;
  const path = await pathInside(folder, ids);
  if (/\.txt$/i.test(ids)) {
    const text = new TextDecoder().decode(await readBytes(path));
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }
  const list = /\.npy$/i.test(ids) ? (await readNpyValues(path)).values : await readJson(path);
  if (!Array.isArray(list) || !list.every((id) => typeof id === 'string')) {
    throw new FileFormatError(`${path} is not a list of strings, the ids of the videos`);
  }
  return list as readonly string[];
}
