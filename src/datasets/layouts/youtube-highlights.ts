import { type JsonRecord, type OnRefused, readEach } from '../../data/formats/json-record.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { HighlightBenchmark } from '../video-dataset.js';
import type { Layout, LayoutFile } from './layout.js';
import { umtFolder, umtVideos } from './umt.js';

const HIGHLIGHT = 1;
const benchmark: HighlightBenchmark = 'youtube-highlights';

/**
 * YouTube Highlights as UMT has it: clips of about 100 frames with `match`, 1 for a highlight, 0 for what is neither,
 * -1 for what is none; that is the only score of a clip. Clips that are highlights in a row are a segment (ours).
 */
export const youtubeHighlights: Layout = {
  name: 'youtube-highlights',
  title: 'YouTube Highlights as UMT has it',
  looksLike: async (folder: DatasetFolder) => umtFolder(folder, 'youtube-highlights', 'youtube_anno.json'),
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const videos = readEach(
    await umtVideos(path, onRefused),
    ({ id, record, domain, frameRate, duration }) => {
      const clips = record.spans('clip').map(([start, end]): Segment => [start / frameRate, end / frameRate]);
      const match = matches(record, clips.length);
      const stride = strideOf(clips);
      return {
        id,
        where: record.where,
        duration,
        frameRate,
        ...(stride !== undefined && {
          timing: { strideSeconds: stride, windowSeconds: clips[0]![1] - clips[0]![0] },
        }),
        annotations: {
          clipScores: { benchmark, clips, scores: [match] },
          labels: [domain],
          segments: highlightRuns(clips, match, domain),
        },
      };
    },
    onRefused,
  );
  return { videos };
}

function matches(record: JsonRecord, clips: number): readonly number[] {
  const match = record.numbers('match', clips);
  const strange = match.findIndex((value) => ![-1, 0, HIGHLIGHT].includes(value));
  if (strange >= 0) throw record.error(`match[${strange}] is ${match[strange]}, not 1, 0 or -1`);
  return match;
}

/** Seconds from clip to clip on average: their frames vary a little. Undefined where there is one clip or none. */
function strideOf(clips: readonly Segment[]): number | undefined {
  const between = clips.length - 1;
  const seconds = between > 0 ? clips[between]![0] - clips[0]![0] : 0;
  return seconds > 0 ? seconds / between : undefined;
}

function highlightRuns(
  clips: readonly Segment[],
  match: readonly number[],
  label: string,
): LabelledSegment[] {
  const runs: { label: string; segment: Segment }[] = [];
  for (const [i, [start, end]] of clips.entries()) {
    if (match[i] !== HIGHLIGHT) continue;
    const last = runs.at(-1);
    if (last && match[i - 1] === HIGHLIGHT) last.segment = [last.segment[0], Math.max(end, last.segment[1])];
    else runs.push({ label, segment: [start, end] });
  }
  return runs;
}
