import type { VideoInput } from '../../datasets/open-input.js';
import { padRows } from '../../datasets/sampling/crop-rows.js';
import { normalizeRows } from '../../datasets/sampling/normalize-rows.js';
import { binRows } from '../../datasets/sampling/resample-rows.js';
import { rowsOf, rowsWithin } from '../../datasets/sampling/sampled-clips.js';
import type { ClipFeatures, Signal } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { latest } from '../common/latest.js';
import { type SignalConfig, totalStride } from '../common/signal-config.js';
import { featuresOf, signalWindow } from '../common/video-rows.js';
import type { ModelInput } from '../localization-model.js';
import type { FeaturesConfig, MapDiffusionConfig } from './config.js';
import type { VideoClips } from './examples.js';
import { framesWanted, videoOf, windowSeconds } from './frame-clips.js';

/** A window as a model takes it. */
export interface ReadClips extends VideoClips {
  /** Seconds that a clip was computed from; default `unit`. */
  readonly clipSeconds?: number;
}

/** Reads windows of videos for a model, one video in memory at a time. */
export interface ClipReader {
  /** Seconds that the model sees at a time. */
  windowOf(video: VideoInput): Promise<number>;
  /** Seconds from one row, sample or frame of a video to the next: windows can begin at multiples of it. */
  stepOf(video: VideoInput): Promise<number>;
  /** @throws OptionError where the window is longer than that; ShapeError, OptionError where the video is not of the model's kind */
  read(video: VideoInput, window: Segment): Promise<ReadClips>;
}

/** What a model of a configuration looks at. */
export function inputOf({ clips }: MapDiffusionConfig): ModelInput {
  return clips.kind === 'frames' ? 'video' : clips.kind;
}

/** The reader for the clips of a configuration. */
export function clipReader(config: MapDiffusionConfig): ClipReader {
  const { clips, layout } = config;
  switch (clips.kind) {
    case 'signal':
      return signalReader(clips, layout.clips);
    case 'features':
      return featureReader(clips, layout.clips);
    case 'frames':
      return frameReader(config);
  }
}

/** Of windows of N clips of signals. */
export function signalReader(config: SignalConfig, count: number): ClipReader {
  const samples = totalStride(config.stages);
  const signalOf = latest(async (video) => video.signal!());
  return {
    windowOf: async (video) => (count * samples) / (await signalOf(video)).rate,
    stepOf: async (video) => 1 / (await signalOf(video)).rate,
    read: async (video, window) => signalClips(config, count, await signalOf(video), window),
  };
}

/**
 * An excerpt of a signal in N clips, padded with zeros; a clip belongs to the excerpt where at least half of it does.
 * @throws OptionError where the signal has other channels or another rate than the model, or the excerpt is longer than N clips
 */
function signalClips(
  { channels, rate: wanted, stages }: SignalConfig,
  count: number,
  signal: Signal,
  window: Segment,
): VideoClips {
  const { rate } = signal;
  const ofClip = totalStride(stages);
  const { values, samples } = signalWindow(signal, { channels, rate: wanted }, window, () => count * ofClip);
  if (samples > count * ofClip) {
    throw new OptionError(
      `an excerpt of ${samples / rate} s: the model sees ${(count * ofClip) / rate} s at a time`,
    );
  }
  const clips = Math.max(1, Math.round(samples / ofClip));
  return { video: values, clips, unit: ofClip / rate, duration: samples / rate };
}

function featureReader(config: FeaturesConfig, count: number): ClipReader {
  const { channels, normalize, pool, sampling } = config;
  const readFeatures = latest(async (video) => {
    const features = await featuresOf(video, channels);
    return normalize ? normalizeRows(features) : features;
  });
  const strideOf = async (video: VideoInput) => (await readFeatures(video)).stride;
  return {
    windowOf:
      sampling === 'bins'
        ? async ({ duration }) => duration
        : async (video) => count * pool * (await strideOf(video)),
    stepOf: strideOf,
    read: async (video, window) => featureClips(config, count, await readFeatures(video), window),
  };
}

/** The rows of features that begin within a window, as many as the model sees, channels first. */
function featureClips(
  { pool, sampling }: FeaturesConfig,
  count: number,
  features: ClipFeatures,
  [start, end]: Segment,
): VideoClips {
  const { stride } = features;
  const rows = count * pool;
  const duration = end - start;
  const within = rowsWithin(features, [start, end]);
  if (sampling === 'bins') {
    const video = channelsFirst(binRows(within, rows, 'middle'));
    return { video, clips: count, unit: duration / count, duration };
  }
  const seen = Math.min(rows, within.steps);
  const video = channelsFirst(padRows(rowsOf(within, 0, seen), rows));
  return { video, clips: Math.max(1, Math.floor(seen / pool)), unit: stride * pool, duration };
}

function channelsFirst({ steps, channels, data }: ClipFeatures): Float32Array {
  const video = new Float32Array(data.length);
  for (let row = 0; row < steps; row++) {
    for (let channel = 0; channel < channels; channel++) {
      video[channel * steps + row] = data[row * channels + channel]!;
    }
  }
  return video;
}

/** All frames of a video at the model's rate and size, grey, which are small; then those of the window. */
function frameReader(config: MapDiffusionConfig): ClipReader {
  const { shape, rate } = framesWanted(config);
  const framesOf = latest(async (item) => {
    const video = await item.video!();
    try {
      const frames: Uint8Array[] = [];
      for await (const { pixels } of video.frames(shape, rate)) frames.push(pixels);
      return frames;
    } finally {
      await video.close();
    }
  });
  return {
    windowOf: async () => windowSeconds(config),
    stepOf: async () => 1 / rate,
    read: async (item, [start, end]) => {
      const frames = (await framesOf(item)).slice(Math.round(start * rate), Math.round(end * rate));
      const size = shape.width * shape.height * shape.channels;
      const all = new Uint8Array(frames.length * size);
      frames.forEach((frame, i) => {
        all.set(frame, i * size);
      });
      return videoOf(config, all, end - start);
    },
  };
}
