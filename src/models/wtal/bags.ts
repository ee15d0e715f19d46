import type { VideoInput } from '../../datasets/open-input.js';
import { type Draw, randomOf } from '../../datasets/sampling/draw.js';
import { resampleRows } from '../../datasets/sampling/resample-rows.js';
import { rowsWithin } from '../../datasets/sampling/sampled-clips.js';
import type { Annotations, Signal, VideoDataset, VideoItem } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { augmentSignal, type SignalAugmentation } from '../common/signal-augmentation.js';
import { featuresOf, signalWindow } from '../common/video-rows.js';
import { type SignalSnippets, type SnippetsConfig, samplesOf, sourceChannels } from './snippets.js';

/** A video, or an excerpt of one, of which nothing is known but its classes. */
export interface Bag {
  readonly video: VideoItem;
  /** Numbers of its classes, rising. */
  readonly labels: readonly number[];
}

/** What is read of a bag: the values of {@link Snippets.forward}, without the batch axis. */
export interface BagValues {
  readonly shape: readonly [number, number];
  readonly values: Float32Array;
  /** Snippets. */
  readonly steps: number;
  /** Seconds from one snippet to the next. */
  readonly stride: number;
}

/** The classes of a video: its labels where it has them, else those of its segments. */
function classesOf({ labels, segments = [] }: Annotations): readonly string[] {
  return labels ?? segments.map(({ label }) => label);
}

/** The bags of a split: all videos that have a class. @throws OptionError where there is none */
export function bagsOf(data: VideoDataset, split: string): Bag[] {
  const bags = data.items(split).flatMap((video): Bag[] => {
    const labels = [...new Set(classesOf(video.annotations).map((name) => data.classes.indexOf(name)))];
    return labels.length > 0 ? [{ video, labels: labels.sort((a, b) => a - b) }] : [];
  });
  if (bags.length > 0) return bags;
  throw new OptionError(
    `train: no video of the split ${split} of ${data.name} has a label or a labelled segment`,
  );
}

/** How a bag is read in training. */
export interface BagDraw extends Draw {
  /** How signals are changed. */
  readonly augment?: SignalAugmentation | undefined;
}

/**
 * Exactly T snippets of a bag. Features are resampled, at random where `draw` is given (dossier: all systems of this family); a
 * signal is read as it is and padded with zeros.
 * @throws ShapeError, OptionError where the video is not of the model's kind; FileAccessError, FileFormatError
 */
export async function readBag(
  config: SnippetsConfig,
  steps: number,
  video: VideoInput,
  draw?: BagDraw,
): Promise<BagValues> {
  if (config.kind === 'signal') {
    const bag = signalValues(config, await video.signal!(), [0, video.duration], steps);
    if (draw?.augment) augmentSignal(bag.values, bag.shape[0], draw.augment, randomOf(draw));
    return bag;
  }
  const features = resampleRows(await featuresOf(video, sourceChannels(config)), steps, draw);
  return { shape: [steps, features.channels], values: features.data, steps, stride: features.stride };
}

/** All snippets of a window of a video. @throws as {@link readBag} */
export async function readWindow(
  config: SnippetsConfig,
  video: VideoInput,
  window: Segment,
): Promise<BagValues> {
  if (config.kind === 'signal') return signalValues(config, await video.signal!(), window);
  const features = await featuresOf(video, sourceChannels(config));
  const { steps, data, channels, stride } = rowsWithin(features, window);
  return { shape: [steps, channels], values: data, steps, stride };
}

/** @param steps default: as many as the window has, the last one rounded */
function signalValues(config: SignalSnippets, signal: Signal, window: Segment, steps?: number): BagValues {
  const ofSnippet = samplesOf(config);
  const channels = sourceChannels(config);
  const { values, length } = signalWindow(
    signal,
    { channels, rate: config.rate },
    window,
    (samples) => ofSnippet * (steps ?? Math.max(1, Math.round(samples / ofSnippet))),
  );
  return { shape: [channels, length], values, steps: length / ofSnippet, stride: ofSnippet / signal.rate };
}
