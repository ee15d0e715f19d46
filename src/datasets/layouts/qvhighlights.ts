import {
  CLIP_SECONDS,
  type HighlightQuery,
  readHighlightQueries,
} from '../../data/annotations/highlight-queries.js';
import { loadFeatures } from '../../data/formats/features.js';
import { type OnRefused, readEach } from '../../data/formats/json-record.js';
import { FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { ClipScores } from '../video-dataset.js';
import type { Layout, LayoutFile, LayoutQuery } from './layout.js';

const FILE = /^highlight_(train|val|test)_(release|with_gt)\.jsonl$/;
/** Features as Moment-DETR distributes them: an array `features` a file, a row a clip. */
const PARTS = ['slowfast_features', 'clip_features'];
const TEXT_FEATURES = 'clip_text_features';

/** QVHighlights: sentences with windows, and scores of relevant clips of 2 s by three annotators. */
export const qvhighlights: Layout = {
  name: 'qvhighlights',
  title: 'QVHighlights',
  async looksLike({ names }: DatasetFolder) {
    const files: Record<string, string> = {};
    // Where there is a test file with answers beside the one without, it is taken.
    for (const name of names) {
      const split = FILE.exec(name)?.[1];
      if (split !== undefined) files[split] = name;
    }
    if (Object.keys(files).length === 0) return undefined;
    const parts = PARTS.filter((part) => names.includes(part));
    return {
      annotations: { layout: 'qvhighlights', files },
      ...(parts.length > 0 && {
        features: {
          parts: parts.map((part) => ({
            file: `${part}/{id}.npz`,
            array: 'features',
            normalize: 'l2' as const,
          })),
          timing: { strideSeconds: CLIP_SECONDS },
        },
      }),
    };
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const { dirname, join } = await nodeModule('node:path');
  const { readdir } = await nodeModule('node:fs/promises');
  const tokens = join(dirname(path), TEXT_FEATURES);
  const held = new Set(await readdir(tokens).catch(() => []));
  const videos = new Map<string, { where: string; duration: number; queries: LayoutQuery[] }>();
  const add = (query: HighlightQuery): void => {
    const { vid, duration, where } = query;
    const video = videos.get(vid) ?? videos.set(vid, { where, duration, queries: [] }).get(vid)!;
    if (video.duration !== duration)
      throw new FileFormatError(`${where}: duration is ${duration}, ${video.duration} in ${video.where}`);
    const file = `qid${query.qid}.npz`;
    video.queries.push({
      id: query.qid,
      text: query.query,
      windows: query.windows ?? [],
      ...(query.relevant && { saliency: saliencyOf(query.relevant) }),
      ...(held.has(file) && { features: () => loadFeatures([`${join(tokens, file)}#last_hidden_state`]) }),
    });
  };
  readEach(await readHighlightQueries(path, onRefused), add, onRefused);
  return {
    videos: [...videos].map(([id, { where, duration, queries }]) => ({
      id,
      where,
      duration,
      annotations: { queries },
    })),
  };
}

function saliencyOf({ clips, scores }: NonNullable<HighlightQuery['relevant']>): ClipScores {
  return {
    clips: clips.map((clip) => [clip * CLIP_SECONDS, (clip + 1) * CLIP_SECONDS]),
    scores: (scores[0] ?? []).map((_, annotator) => scores.map((row) => row[annotator]!)),
  };
}
