import { loadFeatures } from '../../data/formats/features.js';
import { type OnRefused, readEach } from '../../data/formats/json-record.js';
import { nodeModule } from '../../node-module.js';
import type { Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import { pathInside } from '../features/feature-files.js';
import type { ClipScores } from '../video-dataset.js';
import type { Layout, LayoutFile } from './layout.js';
import { umtFolder, umtVideos } from './umt.js';

/** Length of the clips that people scored, in seconds. */
const CLIP_SECONDS = 2;
const ANNOTATORS = 20;

/**
 * TVSum as UMT has it: scores of clips of 2 s by 20 annotators. The title of a video is the query that its features of
 * words are of, and asks for no window.
 */
export const tvsum: Layout = {
  name: 'tvsum',
  title: 'TVSum as UMT has it',
  looksLike: async (folder: DatasetFolder) => {
    const description = umtFolder(folder, 'tvsum', 'tvsum_anno.json');
    const { features } = description ?? {};
    return features
      ? { ...description, features: { ...features, timing: { strideSeconds: CLIP_SECONDS } } }
      : description;
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const { dirname, join } = await nodeModule('node:path');
  const queryFeatures = (id: string) => async () =>
    loadFeatures([`${await pathInside(dirname(path), `query_features/${id}.npz`)}#token`]);
  const { readdir } = await nodeModule('node:fs/promises');
  const tokens = new Set(await readdir(join(dirname(path), 'query_features')).catch(() => []));
  const videos = readEach(
    await umtVideos(path, onRefused),
    ({ id, record, domain, frameRate, duration }) => {
      const rows = record.rows('anno', ANNOTATORS);
      const clips = rows.map((_, i): Segment => [i * CLIP_SECONDS, (i + 1) * CLIP_SECONDS]);
      const clipScores: ClipScores = {
        benchmark: 'tvsum',
        clips,
        scores: Array.from({ length: ANNOTATORS }, (_, annotator) => rows.map((row) => row[annotator]!)),
      };
      const title = {
        id,
        text: record.text('title').trim(),
        windows: [],
        saliency: clipScores,
        ...(tokens.has(`${id}.npz`) && { features: queryFeatures(id) }),
      };
      return {
        id,
        where: record.where,
        duration,
        frameRate,
        annotations: { clipScores, labels: [domain], queries: [title] },
      };
    },
    onRefused,
  );
  return { videos };
}
