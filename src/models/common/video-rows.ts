import type { VideoInput } from '../../datasets/open-input.js';
import type { ClipFeatures, Signal } from '../../datasets/video-dataset.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';

/** The features of a video. @throws ShapeError where they have other channels than the model reads */
export async function featuresOf(video: VideoInput, channels: number): Promise<ClipFeatures> {
  const features = await video.features!();
  checkChannels(features, channels);
  return features;
}

/** @throws ShapeError where features have other channels than the model reads */
export function checkChannels(features: Pick<ClipFeatures, 'channels'>, channels: number): void {
  if (features.channels === channels) return;
  throw new ShapeError(
    `the features have ${features.channels} channels, the model reads ${channels}: give all the feature files that it was ` +
      'trained on, in order (RGB, then flow)',
  );
}

/** What a model reads of signals. */
export interface SignalNeeds {
  readonly channels: number;
  /** Samples a second; any where it is absent. */
  readonly rate?: number | undefined;
}

/** By how much a rate may differ, as a share: clocks of phones are not exact. */
const rateTolerance = 0.02;

/**
 * A window of a signal, channel after channel.
 * @param lengthOf the samples that are wanted of a window of so many: zeros follow a shorter one, a longer one is cut
 * @returns `values` (channels, length), and the samples of the window
 * @throws OptionError where the signal has other channels or another rate than the model reads
 */
export function signalWindow(
  { channels, rate, read }: Signal,
  needs: SignalNeeds,
  window: Segment,
  lengthOf: (samples: number) => number,
): { readonly values: Float32Array<ArrayBuffer>; readonly length: number; readonly samples: number } {
  if (needs.rate !== undefined && Math.abs(rate / needs.rate - 1) > rateTolerance) {
    throw new OptionError(
      `the model reads ${needs.rate} samples a second, the signal has ${Number(rate.toFixed(2))}: resample it`,
    );
  }
  if (channels.length !== needs.channels) {
    throw new OptionError(
      `the model reads ${needs.channels} channels, the signal has ${channels.length}: ${channels.join(', ')}`,
    );
  }
  const signal = read(...window);
  const samples = signal.length / channels.length;
  const length = lengthOf(samples);
  const values = new Float32Array(channels.length * length);
  for (let sample = 0; sample < Math.min(samples, length); sample++) {
    for (let channel = 0; channel < channels.length; channel++) {
      values[channel * length + sample] = signal[sample * channels.length + channel]!;
    }
  }
  return { values, length, samples };
}
