import { padRows } from '../../datasets/sampling/crop-rows.js';
import { normalizeRows } from '../../datasets/sampling/normalize-rows.js';
import { rowsOf, rowsWithin } from '../../datasets/sampling/sampled-clips.js';
import type { ClipFeatures } from '../../datasets/video-dataset.js';
import { latest } from '../common/latest.js';
import { featuresOf } from '../common/video-rows.js';
import type { ClipReader } from '../map-diffusion/clip-reader.js';
import { signalReader } from '../map-diffusion/clip-reader.js';
import type { FeatureClips, GroundingConfig } from './config.js';

/** Reads windows of videos as `GroundingNetwork.videoShape` says for one video. */
export function groundingReader({ clips, longest }: GroundingConfig): ClipReader {
  return clips.kind === 'signal' ? signalReader(clips, longest) : featureReader(clips, longest);
}

function featureReader(config: FeatureClips, longest: number): ClipReader {
  const readFeatures = latest((video) => featuresOf(video, config.channels));
  return {
    windowOf: async (video) => longest * (await readFeatures(video)).stride,
    stepOf: async (video) => (await readFeatures(video)).stride,
    async read(video, [start, end]) {
      const features = await readFeatures(video);
      const within = rowsWithin(features, [start, end]);
      const clips = Math.min(longest, within.steps);
      const seen = normalized(rowsOf(within, 0, clips), config.parts);
      const { stride: unit, window: clipSeconds } = features;
      return { video: padRows(seen, longest).data, clips, unit, clipSeconds, duration: end - start };
    },
  };
}

/** Rows of which each part is divided by its norm. */
function normalized<T extends ClipFeatures>(features: T, parts: number | undefined): T {
  if (parts === undefined) return features;
  const { steps, channels, data } = features;
  const ofParts = normalizeRows({ steps: steps * parts, channels: channels / parts, data });
  return { ...features, data: ofParts.data };
}
