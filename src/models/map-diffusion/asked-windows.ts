import {
  callback,
  listOf,
  objectWith,
  optional,
  positive,
  type Rule,
  someOf,
  spanOf,
  text,
} from '../../arguments.js';
import type { HostRandom } from '../../data/host-random.js';
import type { VideoInput } from '../../datasets/open-input.js';
import type { VideoItem } from '../../datasets/video-dataset.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';
import type { ModelInput } from '../localization-model.js';
import type { ClipReader, ReadClips } from './clip-reader.js';
import { unknownClass, type VideoClips } from './examples.js';

/** A sentence about a window of a video. */
export interface AskedSentence {
  readonly text: string;
  /** The moments of which it is true, in seconds of the window; empty where they are not known. */
  readonly windows: readonly Segment[];
}

/** A window of a video with what is asked about it. */
export interface AskedWindow {
  readonly video: VideoInput & Partial<Pick<VideoItem, 'annotations'>>;
  /** In seconds of the video. */
  readonly window: Segment;
  /** At least one. */
  readonly sentences: readonly AskedSentence[];
}

/** Windows of videos that have what a model looks at. */
export function askedRule(input: ModelInput): Rule<readonly [AskedWindow, ...AskedWindow[]]> {
  const given = (name: ModelInput) => (name === input ? callback : optional(callback)) as Rule<undefined>;
  const video = objectWith<VideoInput>({
    duration: positive,
    features: given('features'),
    signal: given('signal'),
    video: given('video'),
  });
  const sentence = objectWith<AskedSentence>({ text, windows: listOf(spanOf()) });
  return someOf(objectWith<AskedWindow>({ video, window: spanOf(), sentences: someOf(sentence) }));
}

/** A window as a model takes it, with its sentences. */
export interface ReadWindow extends ReadClips {
  /** What was read, in seconds of the video. */
  readonly window: Segment;
  readonly sentences: readonly AskedSentence[];
  /** The class of each clip, by number; absent where no segments of the video are known. */
  readonly classes?: readonly number[];
}

/**
 * Reads a window. In training (`random`), one that is longer than the model sees is cut at a random place that keeps at
 * least a part of a moment of its sentences; moments are cut with it (MS-2D-TAN).
 * @param classes names of the classes of labelled segments
 * @throws as `ClipReader.read`
 */
export async function readWindow(
  reader: ClipReader,
  { video, window, sentences }: AskedWindow,
  classes: readonly string[],
  random?: HostRandom,
): Promise<ReadWindow> {
  const seen = random ? await cropped(reader, video, window, sentences, random) : window;
  const [start, end] = [seen[0] - window[0], seen[1] - window[0]];
  const clips = await reader.read(video, seen);
  const known = classesOf(video.annotations?.segments, classes, seen[0], clips);
  return {
    ...clips,
    window: seen,
    sentences: sentences.map(({ text, windows }) => ({
      text,
      windows: windows.flatMap((span): Segment[] => {
        const cut: Segment = [Math.max(span[0], start) - start, Math.min(span[1], end) - start];
        return cut[0] < cut[1] ? [cut] : [];
      }),
    })),
    ...(known && { classes: known }),
  };
}

/** A part of a window that is as long as the model sees. */
async function cropped(
  reader: ClipReader,
  video: VideoInput,
  [from, to]: Segment,
  sentences: readonly AskedSentence[],
  random: HostRandom,
): Promise<Segment> {
  const length = await reader.windowOf(video);
  if (to - from <= length + 1e-3) return [from, to];
  const moments = sentences.flatMap(({ windows }) => windows);
  const [start, end] = moments.length > 0 ? random.choose(moments) : [0, to - from];
  // At least a tenth of what the model sees, or of the moment, lies within.
  const least = 0.1 * Math.min(length, end - start);
  const first = Math.max(0, start + least - length);
  const last = Math.min(to - from - length, end - least);
  const place = from + first + random.uniform() * Math.max(0, last - first);
  // Where a row begins: clips and moments would be up to half a row apart otherwise.
  const step = await reader.stepOf(video);
  const begin = Math.round(place / step) * step;
  return [begin, begin + length];
}

function classesOf(
  segments: readonly LabelledSegment[] | undefined,
  classes: readonly string[],
  start: number,
  { clips, unit }: VideoClips,
): number[] | undefined {
  if (!segments || classes.length === 0) return undefined;
  const numbers = new Map(classes.map((name, i) => [name, i]));
  return Array.from({ length: clips }, (_, i) => {
    const seconds = start + (i + 0.5) * unit;
    const found = segments.find(({ segment: [from, to] }) => from <= seconds && seconds < to);
    return (found && numbers.get(found.label)) ?? unknownClass;
  });
}
