import type { VideoDataset, VideoItem, VideoQuery } from '../../datasets/video-dataset.js';
import { sentenceOfLabel } from '../map-diffusion/label-sentences.js';

/**
 * The data set with a query for each label of a video that has no query: the name of the class as a sentence, its segments, and
 * the scores of the video's clips (ours, for YouTube Highlights, which has domains and no sentences).
 */
export function withLabelQueries(data: VideoDataset): VideoDataset {
  return {
    ...bound(data),
    items: (split) => data.items(split).map((item) => ({ ...item, annotations: asked(item) })),
  };
}

/** The data set as an object whose methods can be spread. */
function bound(data: VideoDataset): VideoDataset {
  return {
    ...{ name: data.name, classes: data.classes, splits: data.splits },
    items: (split) => data.items(split),
    ...(data.words && { words: () => data.words!() }),
    ...(data.storedFeatures && { storedFeatures: () => data.storedFeatures!() }),
    ...(data.priors && { priors: () => data.priors!() }),
    close: () => data.close(),
  };
}

function asked({ id, duration, annotations }: VideoItem): VideoItem['annotations'] {
  const { queries = [], labels = [], segments = [], clipScores } = annotations;
  if (queries.length > 0) return annotations;
  return {
    ...annotations,
    queries: labels.map(
      (label, i): VideoQuery => ({
        ...{ id: labels.length === 1 ? id : `${id}/${i}`, text: sentenceOfLabel(label), kind: '' },
        excerpt: [0, duration],
        windows: segments.filter((segment) => segment.label === label).map(({ segment }) => segment),
        ...(clipScores && { saliency: clipScores }),
      }),
    ),
  };
}
