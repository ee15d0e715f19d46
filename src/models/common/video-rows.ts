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

/**
 * A window of a signal, channel after channel.
 * @param lengthOf the samples that are wanted of a window of so many: zeros follow a shorter one, a longer one is cut
 * @returns `values` (channels, length), and the samples of the window
 * @throws OptionError where the signal has other channels than the model reads
 */
export function signalWindow(
  { channels, read }: Signal,
  expected: number,
  window: Segment,
  lengthOf: (samples: number) => number,
): { readonly values: Float32Array<ArrayBuffer>; readonly length: number; readonly samples: number } {
  if (channels.length !== expected) {
    throw new OptionError(
      `the model reads ${expected} channels, the signal has ${channels.length}: ${channels.join(', ')}`,
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
