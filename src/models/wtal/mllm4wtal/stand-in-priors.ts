import {
  checkArguments,
  listOf,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
  rule,
  text,
  uint32,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import type { Annotations } from '../../../datasets/video-dataset.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import { labelledSegmentRule } from '../../../time/segment.js';
import { type ActionPhrases, actionPhrases } from './action-phrases.js';
import { priorsRule, type SemanticPriors, type VideoSemantics } from './priors.js';

/** What captions are made from: the order of a video's actions, or its classes alone. */
export type StandInKind = 'ordered' | 'classes';

/** What is known of a video, such as an item of a data set. */
export interface LabelledVideo {
  readonly id: string;
  readonly annotations: Pick<Annotations, 'segments' | 'labels'>;
}

/** What else a data set knows of a video is left alone. */
const other = optional(rule('anything', () => true));
const annotationsRule: Rule<LabelledVideo['annotations']> = onlyFields<Annotations>({
  segments: optional(listOf(labelledSegmentRule)),
  labels: optional(listOf(text)),
  ...({ queries: other, captions: other, clipScores: other } as Rules<
    Omit<Annotations, 'segments' | 'labels'>
  >),
});

const videosRule: Rule<readonly LabelledVideo[]> = listOf(
  objectWith<LabelledVideo>({
    id: text,
    annotations: annotationsRule,
  }),
);

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
  videos: readonly LabelledVideo[],
  classes: readonly string[],
  kind: StandInKind,
): SemanticPriors {
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
export function scrambledPriors(priors: SemanticPriors, seed: number): SemanticPriors {
  checkArguments('scrambledPriors', { priors, seed }, { priors: priorsRule, seed: uint32 });
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

function exchanged(own: VideoSemantics['key'], { key, complete, order }: VideoSemantics): VideoSemantics {
  return {
    key: own.map(({ label }, i) => ({ label, phrases: key[i % key.length]!.phrases })),
    complete,
    ...given({ order }),
  };
}

/** The classes of a video by the start of their segments, or its labels where it has none. */
function orderOf({ annotations: { segments, labels = [] } }: LabelledVideo): readonly string[] {
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
