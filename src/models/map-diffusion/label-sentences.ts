import type { HostRandom } from '../../data/host-random.js';
import type { VideoItem } from '../../datasets/video-dataset.js';
import type { AskedSentence } from './asked-windows.js';

/** The name of a class as a sentence: `CleanAndJerk` and `clean_and_jerk` are `clean and jerk`. */
export function sentenceOfLabel(label: string): string {
  return label
    .replace(/([\p{Ll}\d])(?=\p{Lu})/gu, '$1 ')
    .replace(/[_\s]+/g, ' ')
    .trim()
    .toLowerCase();
}

/**
 * The classes of a video's segments as sentences that are true in these segments, and as many other classes, one at least,
 * which are true nowhere: without them a model would find every class in every video (ours).
 * @param classes all of the data set
 * @param random chooses the other classes
 */
export function labelSentences(
  { annotations: { segments } }: VideoItem,
  classes: readonly string[],
  random: HostRandom,
): AskedSentence[] {
  if (!segments) return [];
  const present = classes.filter((name) => segments.some(({ label }) => label === name));
  const absent = classes.filter((name) => !present.includes(name));
  const others = [...random.permutation(absent.length)].slice(0, Math.max(1, present.length));
  return [
    ...present.map((name) => ({
      text: sentenceOfLabel(name),
      windows: segments.filter(({ label }) => label === name).map(({ segment }) => segment),
    })),
    ...others.map((i) => ({ text: sentenceOfLabel(absent[i]!), windows: [] })),
  ];
}
