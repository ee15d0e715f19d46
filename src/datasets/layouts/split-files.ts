import type { SplitFiles } from '../dataset-file.js';
import type { DatasetFolder } from '../dataset-folder.js';

/** Names of files that hold a split each. */
const FILE = /^(?:(train|val(?:_[12])?|validation|test)(?:_data)?)\.json$/;

/** The JSON files of a folder that are called as splits are, where each of them is of a layout; undefined where one is not. */
export async function splitFiles(
  { names, json }: DatasetFolder,
  isOfLayout: (content: unknown) => boolean,
): Promise<SplitFiles | undefined> {
  const files: Record<string, string> = {};
  for (const name of names) {
    const split = FILE.exec(name)?.[1];
    if (split === undefined) continue;
    if (!isOfLayout(await json(name))) return undefined;
    files[split] = name;
  }
  return Object.keys(files).length > 0 ? files : undefined;
}
