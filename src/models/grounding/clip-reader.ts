import type { VideoInput } from '../../datasets/open-input.js';
import { padRows } from '../../datasets/sampling/crop-rows.js';
import { normalizeRows } from '../../datasets/sampling/normalize-rows.js';
import { rowsOf, rowsWithin } from '../../datasets/sampling/sampled-clips.js';
import type { ClipFeatures } from '../../datasets/video-dataset.js';
import { ShapeError } from '../../errors.js';
import { latest } from '../common/latest.js';
import type { ClipReader } from '../map-diffusion/clip-reader.js';
import { signalReader } from '../map-diffusion/clip-reader.js';
import type { FeatureClips, GroundingConfig } from './config.js';

/** Reads windows of videos as `GroundingNetwork.videoShape` says for one video. */
export function groundingReader({ clips, longest }: GroundingConfig): ClipReader {
  return clips.kind === 'signal' ? signalReader(clips, longest) : featureReader(clips, longest);
}

function featureReader(config: FeatureClips, longest: number): ClipReader {
  const featuresOf = latest((video) => checkedFeatures(config, video));
  return {
    windowOf: async (video) => longest * (await featuresOf(video)).stride,
    stepOf: async (video) => (await featuresOf(video)).stride,
    async read(video, [start, end]) {
      const features = await featuresOf(video);
      const within = rowsWithin(features, [start, end]);
      const clips = Math.min(longest, within.steps);
      const seen = normalized(rowsOf(within, 0, clips), config.parts);
      const { stride: unit, window: clipSeconds } = features;
      return { video: padRows(seen, longest).data, clips, unit, clipSeconds, duration: end - start };
    },
  };
}

async function checkedFeatures({ channels }: FeatureClips, video: VideoInput): Promise<ClipFeatures> {
  const features = await video.features!();
  if (features.channels === channels) return features;
  throw new ShapeError(
    `the model reads features of ${channels} channels, these have ${features.channels}: [${features.steps}, ${features.channels}]`,
  );
}

/** Rows of which each part is divided by its norm. */
function normalized<T extends ClipFeatures>(features: T, parts: number | undefined): T {
  if (parts === undefined) return features;
  const { steps, channels, data } = features;
  const ofParts = normalizeRows({ steps: steps * parts, channels: channels / parts, data });
  return { ...features, data: ofParts.data };
}
