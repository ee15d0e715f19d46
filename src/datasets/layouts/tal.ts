import { type JsonRecord, type OnRefused, readEach, readJsonRecord } from '../../data/formats/json-record.js';
import type { Segment } from '../../time/segment.js';
import type { FoundFile } from '../dataset-folder.js';
import type { ClipScores, HighlightBenchmark } from '../video-dataset.js';
import type { Layout, LayoutAnnotations, LayoutFile, LayoutQuery, LayoutVideo } from './layout.js';

const FILE = 'annotations.json';

/** This package's own form, which has all that a data set can have. */
export const tal: Layout = {
  name: 'tal',
  title: "this package's own JSON",
  async looksLike({ names, json }) {
    if (!names.includes(FILE)) return undefined;
    const content = (await json(FILE)) as { videos?: unknown } | undefined;
    return Array.isArray(content?.videos) ? { annotations: { layout: 'tal', files: FILE } } : undefined;
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const file = await readJsonRecord(path);
  file.checkNames('classes', 'videos');
  const classes = file.absent('classes') ? undefined : file.texts('classes');
  const videos = file.records('videos').map((video) => video.calledBy('id'));
  return { videos: readEach(videos, videoOf, onRefused), ...(classes && { classes }) };
}

function videoOf(record: JsonRecord): LayoutVideo {
  record.checkNames(
    ...['id', 'split', 'duration', 'fps'],
    ...['segments', 'queries', 'captions', 'clipScores', 'labels'],
  );
  return {
    id: record.text('id'),
    where: record.where,
    ...(!record.absent('split') && { split: record.text('split') }),
    ...(!record.absent('duration') && { duration: record.positive('duration') }),
    ...(!record.absent('fps') && { frameRate: record.positive('fps') }),
    annotations: annotationsOf(record),
  };
}

function annotationsOf(record: JsonRecord): LayoutAnnotations {
  const duration = record.absent('duration') ? Infinity : record.positive('duration');
  const has = (name: string) => !record.absent(name);
  return {
    ...(has('segments') && {
      segments: record.records('segments').map((one) => {
        one.checkNames('label', 'segment');
        return { label: one.text('label'), segment: spanWithin(one, 'segment', duration) };
      }),
    }),
    ...(has('captions') && {
      captions: record.records('captions').map((one) => {
        one.checkNames('text', 'segment');
        return { text: one.text('text'), segment: spanWithin(one, 'segment', duration) };
      }),
    }),
    ...(has('queries') && { queries: record.records('queries').map((one) => queryOf(one, duration)) }),
    ...(has('clipScores') && { clipScores: scoresOf(record.record('clipScores'), duration) }),
    ...(has('labels') && { labels: record.texts('labels') }),
  };
}

function queryOf(record: JsonRecord, duration: number): LayoutQuery {
  record.checkNames('id', 'text', 'excerpt', 'windows', 'kind', 'saliency');
  const excerpt = record.absent('excerpt') ? undefined : spanWithin(record, 'excerpt', duration);
  const length = excerpt ? excerpt[1] - excerpt[0] : duration;
  const windows = record.absent('windows') ? [] : record.spans('windows');
  for (const [i, window] of windows.entries()) checkWithin(record, `windows[${i}]`, window, length);
  return {
    id: record.queryId('id'),
    text: record.text('text'),
    windows,
    ...(excerpt && { excerpt }),
    ...(!record.absent('kind') && { kind: record.string('kind') }),
    ...(!record.absent('saliency') && { saliency: scoresOf(record.record('saliency'), length) }),
  };
}

function scoresOf(record: JsonRecord, duration: number): ClipScores {
  record.checkNames('clips', 'scores', 'benchmark');
  const clips = record.spans('clips');
  for (const [i, clip] of clips.entries()) checkWithin(record, `clips[${i}]`, clip, duration);
  const scores = record.list('scores').map((row, annotator) => {
    const what = `scores[${annotator}]`;
    if (!Array.isArray(row) || row.length !== clips.length)
      throw record.error(`${what} is not an array of ${clips.length}, one for each clip`);
    return row.map((score: unknown, i) => {
      // JSON has no NaN.
      if (score === null) return Number.NaN;
      if (typeof score === 'number' && Number.isFinite(score)) return score;
      throw record.error(`${what}[${i}] is neither a finite number nor null`);
    });
  });
  return { clips, scores, ...(!record.absent('benchmark') && { benchmark: benchmarkOf(record) }) };
}

const benchmarks: readonly string[] = [
  'qvhighlights',
  'tvsum',
  'youtube-highlights',
] satisfies HighlightBenchmark[];

function benchmarkOf(record: JsonRecord): HighlightBenchmark {
  const name = record.text('benchmark');
  if (benchmarks.includes(name)) return name as HighlightBenchmark;
  throw record.error(`benchmark is ${JSON.stringify(name)}, not one of ${benchmarks.join(', ')}`);
}

function spanWithin(record: JsonRecord, name: string, duration: number): Segment {
  const span = record.span(name);
  checkWithin(record, name, span, duration);
  return span;
}

/** Times are written with few digits: half a thousandth is rounding. */
const ROUNDING = 5e-4;

function checkWithin(record: JsonRecord, name: string, [start, end]: Segment, duration: number): void {
  if (start === end) throw record.error(`${name} is [${start}, ${end}]: it has no length`);
  if (start < -ROUNDING || end > duration + ROUNDING)
    throw record.error(`${name} is [${start}, ${end}], not within ${duration} s`);
}
