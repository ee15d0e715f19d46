import {
  checkArguments,
  instanceOf,
  listOf,
  object,
  oneOf,
  type Rule,
  text,
  uint32,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import type { VideoItem } from '../../../datasets/video-dataset.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import { type ActionPhrases, actionPhrases } from './action-phrases.js';
import type { Priors, VideoPriors } from './priors.js';

/** What captions are made from: the order of a video's actions, or its classes alone. */
export type StandInKind = 'ordered' | 'classes';

const videosRule: Rule<readonly VideoItem[]> = listOf(object as unknown as Rule<VideoItem>);

/**
 * Priors that stand in for those of a multimodal language model (ours): key phrases of the classes of a video, from a table, and
 * a caption. `ordered` captions tell the actions in the order of the video's segments, without times and counts of steps; a class
 * that goes on after a gap is told once; `order` says the same. `classes` captions tell each class once, in the order of `classes`, as all
 * that is known of a video in weakly supervised training. Videos without a class are left out.
 *
 * They are no measure of the method: `ordered` ones need the segments of the training videos.
 * @throws OptionError where the table lacks a class
 */
export function standInPriors(
  videos: readonly VideoItem[],
  classes: readonly string[],
  kind: StandInKind,
): Priors {
  checkArguments(
    'standInPriors',
    { videos, classes, kind },
    { videos: videosRule, classes: listOf(text), kind: oneOf('ordered', 'classes') },
  );
  return new Map(
    videos.flatMap((video) => {
      const order = orderOf(video);
      const present = classes.filter((label) => order.includes(label));
      if (present.length === 0) return [];
      const told = kind === 'ordered' ? withoutRepeats(order) : present;
      const key = present.map((label) => ({ label, phrases: phrasesOf(label).phrases }));
      const complete = caption(told, kind === 'ordered' ? 'then' : 'and');
      return [[video.id, { key, complete, ...(kind === 'ordered' && { order: told }) }] as const];
    }),
  );
}

/**
 * A control: each video gets the caption of another one, and its classes get the key phrases of the other one's classes in
 * turn. Videos are exchanged in one circle, so that none keeps its own.
 * @throws OptionError where there are fewer than two videos
 */
export function scrambledPriors(priors: Priors, seed: number): Priors {
  checkArguments('scrambledPriors', { priors, seed }, { priors: instanceOf(Map, 'a Map'), seed: uint32 });
  if (priors.size < 2)
    throw new OptionError(`scrambledPriors: priors must hold two videos or more, not ${priors.size}`);
  const videos = [...priors.keys()];
  const circle = [...new HostRandom(seed).permutation(videos.length)];
  const scrambled = circle.map((video, i) => {
    const other = priors.get(videos[circle[(i + 1) % circle.length]!]!)!;
    const { key } = priors.get(videos[video]!)!;
    return [videos[video]!, exchanged(key, other)] as const;
  });
  const byVideo = new Map(scrambled);
  return new Map(videos.map((video) => [video, byVideo.get(video)!]));
}

function exchanged(own: VideoPriors['key'], { key, complete, order }: VideoPriors): VideoPriors {
  return {
    key: own.map(({ label }, i) => ({ label, phrases: key[i % key.length]!.phrases })),
    complete,
    ...given({ order }),
  };
}

/** The classes of a video by the start of their segments, or its labels where it has none. */
function orderOf({ annotations: { segments, labels = [] } }: VideoItem): readonly string[] {
  if (!segments) return labels;
  return [...segments].sort((a, b) => a.segment[0] - b.segment[0]).map(({ label }) => label);
}

function withoutRepeats(labels: readonly string[]): readonly string[] {
  return labels.filter((label, i) => label !== labels[i - 1]);
}

function caption(labels: readonly string[], joined: 'then' | 'and'): string {
  const told = labels.map(phrasesOf);
  return `${told[0]!.subject ?? 'a person'} ${told.map(({ does }) => does).join(` ${joined} `)}`;
}

/** @throws OptionError */
function phrasesOf(label: string): ActionPhrases {
  const found = actionPhrases[label];
  if (found) return found;
  throw new OptionError(
    `standInPriors: no phrases are known for the class ${JSON.stringify(label)}: give a .json file by training.priors`,
  );
}
