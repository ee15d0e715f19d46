import { readCharadesLines } from '../../data/annotations/charades-lines.js';
import type { OnRefused } from '../../data/formats/json-record.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutQuery } from './layout.js';

const FILE = /^charades_sta_(\w+)\.txt$/;
/** Files of the lengths of Charades' videos, as they are distributed with it. */
const DURATIONS = /^charades.*(length|v1_(train|test)|duration).*\.(json|csv)$/i;

/** Charades-STA: sentences with a window each; the lengths of the videos are in another file. */
export const charadesSta: Layout = {
  name: 'charades-sta',
  title: 'Charades-STA',
  async looksLike({ names }: DatasetFolder) {
    const files = Object.fromEntries(
      names.flatMap((name) => {
        const split = FILE.exec(name)?.[1];
        return split === undefined ? [] : [[split, name]];
      }),
    );
    if (Object.keys(files).length === 0) return undefined;
    const durations = names.find((name) => DURATIONS.test(name));
    return { annotations: { layout: 'charades-sta', files, ...(durations !== undefined && { durations }) } };
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const videos = new Map<string, { where: string; queries: LayoutQuery[] }>();
  for (const { video, span, sentence, where } of await readCharadesLines(path, onRefused)) {
    const { queries } = videos.get(video) ?? videos.set(video, { where, queries: [] }).get(video)!;
    queries.push({ id: `${video}/${queries.length}`, text: sentence, windows: [span] });
  }
  return { videos: [...videos].map(([id, { where, queries }]) => ({ id, where, annotations: { queries } })) };
}
