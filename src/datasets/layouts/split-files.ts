import type { SplitFiles } from '../dataset-file.js';
import type { DatasetFolder } from '../dataset-folder.js';

/**
 * The JSON files of a folder that hold a split each, where each of them is of a layout; undefined where one is not.
 * @param file what they are called, with the split in its first group
 */
export async function splitFiles(
  { names, json }: DatasetFolder,
  file: RegExp,
  isOfLayout: (content: unknown) => boolean,
): Promise<SplitFiles | undefined> {
  const files: Record<string, string> = {};
  for (const name of names) {
    const split = file.exec(name)?.[1];
    if (split === undefined) continue;
    if (!isOfLayout(await json(name))) return undefined;
    files[split] = name;
  }
  return Object.keys(files).length > 0 ? files : undefined;
}
