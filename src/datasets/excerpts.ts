import { checkArguments, positive } from '../arguments.js';
import { spanWithin } from '../data/annotations/question-answer.js';
import { slidingWindows } from '../data/annotations/sliding-windows.js';
import type { LabelledSegment, Segment } from '../time/segment.js';
import { datasetRule } from './dataset-rule.js';
import { rowsWithin } from './sampling/sampled-clips.js';
import type { ClipFeatures, Signal, VideoDataset, VideoItem } from './video-dataset.js';

/** A segment of which less than this is in an excerpt, in seconds, is not in it. */
const leastSeconds = 0.5;

/**
 * A data set whose videos are cut once, into excerpts of the same length on a fixed grid; the last one of a video ends with
 * it, so it may begin within the one before. A video that is shorter than an excerpt stays whole.
 *
 * An excerpt is a video of its own. Its id is `VIDEO@START`, with START in seconds of the video; its segments are what is
 * seen of the video's segments, from half a second on, and its labels are their classes. Labels of a video
 * without segments are kept where it stays whole; queries, captions and scores of clips are left out.
 *
 * Weakly supervised training needs such a grid (ours): where excerpts are cropped anew each time, their labels change exactly
 * where a crop passes a boundary, which gives the boundaries away.
 * @throws OptionError
 */
export function excerptsOf(data: VideoDataset, seconds: number): VideoDataset {
  checkArguments('excerptsOf', { data, seconds }, { data: datasetRule, seconds: positive });
  const known = new Map<string, readonly VideoItem[]>();
  return {
    name: data.name,
    classes: data.classes,
    splits: data.splits,
    items(split) {
      const items = known.get(split) ?? data.items(split).flatMap((video) => excerptsOfVideo(video, seconds));
      known.set(split, items);
      return items;
    },
    close: () => data.close(),
  };
}

function excerptsOfVideo(video: VideoItem, seconds: number): VideoItem[] {
  return slidingWindows(video.duration, { length: seconds, stride: seconds }).map((span) =>
    excerptOfVideo(video, span),
  );
}

function excerptOfVideo(video: VideoItem, [start, end]: Segment): VideoItem {
  const { id, annotations, features, signal } = video;
  const duration = end - start;
  const segments = annotations.segments?.flatMap((one): LabelledSegment[] => {
    const seen = spanWithin(one.segment[0] - start, one.segment[1] - start, duration);
    return seen && seen[1] - seen[0] >= leastSeconds ? [{ ...one, segment: seen }] : [];
  });
  const { labels } = annotations;
  return {
    id: `${id}@${Number(start.toFixed(3))}`,
    duration,
    annotations: {
      ...(segments && { segments, labels: [...new Set(segments.map(({ label }) => label))] }),
      ...(!segments && labels && duration === video.duration && { labels }),
    },
    ...(features && { features: async () => featuresWithin(await features(), [start, end]) }),
    ...(signal && { signal: async () => signalWithin(await signal(), [start, end]) }),
  };
}

function featuresWithin(features: ClipFeatures, window: Segment): ClipFeatures {
  const { steps, channels, data, stride, window: seconds } = rowsWithin(features, window);
  return { steps, channels, data, stride, window: seconds };
}

function signalWithin(signal: Signal, [start, end]: Segment): Signal {
  return {
    ...signal,
    duration: end - start,
    read: (from, to) => signal.read(start + from, start + to),
  };
}
