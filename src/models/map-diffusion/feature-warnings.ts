import type { VideoInput } from '../../datasets/open-input.js';
import type { Segment } from '../../time/segment.js';
import { clipReader } from './clip-reader.js';
import type { MapDiffusionConfig } from './config.js';

/** Features whose rows are nearer together or further apart than this factor are others than the model's. */
const SIMILAR = 1.1;
/** Of what the model sees at a time: a video that is this part of it, or less, leaves its maps nearly empty. */
const SMALL_PART = 1 / 16;
/** Windows of a typical video; with more, nearly all that the model sees has nothing to do with a query. */
const MANY_WINDOWS = 32;

/**
 * What is strange about the times of features for a model that sees them in windows: they are not wrong, but results are
 * poor, and no other check finds a stride of frames that was given in seconds.
 * @param windows what the model is asked about
 */
export async function featureWarnings(
  config: MapDiffusionConfig,
  windows: readonly { readonly video: VideoInput; readonly window: Segment }[],
): Promise<string[]> {
  const { clips } = config;
  const [first] = windows;
  if (clips.kind !== 'features' || clips.sampling === 'bins' || !first) return [];
  const reader = clipReader(config);
  const stride = await reader.stepOf(first.video);
  const seen = await reader.windowOf(first.video);
  const warnings: string[] = [];
  if (clips.stride !== undefined && Math.abs(Math.log(stride / clips.stride)) > Math.log(SIMILAR)) {
    warnings.push(
      `rows of these features are ${seconds(stride)} apart, the model is meant for ${seconds(clips.stride)} (clips.stride)`,
    );
  }
  const lengths = windows.map(({ window: [start, end] }) => end - start).sort((a, b) => a - b);
  const typical = lengths[Math.floor(lengths.length / 2)]!;
  if (typical < SMALL_PART * seen || typical > MANY_WINDOWS * seen) {
    warnings.push(
      `the model sees ${seconds(seen)} at a time, a typical video is ${seconds(typical)} long: ` +
        `are the times of the features right (timing in dataset.json)?`,
    );
  }
  return warnings;
}

const seconds = (value: number): string => `${Number(value.toPrecision(3))} s`;
