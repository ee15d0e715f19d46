import { checkArguments, integer, path as pathRule } from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import { readJson } from '../files/byte-source.js';

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

/**
 * Reads the class names of a model, in the order of its outputs.
 * @param path a JSON list of names, or an object of such lists, of which the one with `count` names is taken
 * @param count how many outputs the model has, its background class included
 * @throws FileAccessError, or FileFormatError where no list, or more than one, has `count` names
 */
export async function loadClassNames(path: string, count: number): Promise<string[]> {
  checkArguments('loadClassNames', { path, count }, { path: pathRule, count: integer(1) });
  const content = await readJson(path);
  const lists = isNames(content) ? { names: content } : Object(content);
  const fitting = Object.values(lists).filter((list) => isNames(list) && list.length === count) as string[][];
  if (fitting.length === 1) return fitting[0]!;
  const held = Object.entries(lists).map(
    ([key, list]) => `${key}: ${isNames(list) ? list.length : 'not an array of strings'}`,
  );
  throw new FileFormatError(
    `${path} should hold one array of ${count} class names (background included); it holds ${held.join(', ')}`,
  );
}
