import { checkArguments, checkFields, instanceOf, listOf, positive, text } from '../../arguments.js';
import { type Features, featuresRule } from '../../data/formats/features.js';
import type { Detection } from '../../time/segment.js';
import { checkChannels } from '../common/video-rows.js';
import { Cmcs } from './cmcs.js';
import {
  CMCS_PROPOSALS,
  classProbabilities,
  type ProposalOptions,
  proposalRules,
  proposeSegments,
} from './proposals.js';

/** The actions of a video, with the sequences that they were read off. */
export interface Localization {
  /** Length of the video in seconds. */
  readonly duration: number;
  /** Best first. */
  readonly segments: readonly Detection[];
  /** Classes of the video by falling probability, background left out. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
  /** Per step, the probability of a class: softmax of the class activation sequence. */
  activation(label: string): Float64Array;
  /** [T], sums to 1. */
  readonly attention: Float32Array;
}

/**
 * Runs the network on a video's features and reads the segments off its sequences.
 * @param classes names in the order of the network's outputs, background last
 * @param duration length of the video in seconds
 * @throws OptionError; ShapeError where the features have other channels than the network takes, or more steps than the device can
 *   hold the results of
 */
export async function localizeActions(
  model: Cmcs,
  features: Features,
  classes: readonly string[],
  duration: number,
  options: Readonly<ProposalOptions> = CMCS_PROPOSALS,
): Promise<Localization> {
  checkArguments(
    'localizeActions',
    { model, features, classes, duration },
    {
      model: instanceOf(Cmcs, 'a Cmcs'),
      features: featuresRule,
      classes: listOf(text),
      duration: positive,
    },
  );
  checkFields('localizeActions', options, proposalRules);
  const { runtime } = model;
  checkChannels(features, model.channels);
  // A read is recorded at once: what it reads need not live until it is done.
  const reads = runtime.scope(() => {
    const outputs = model.forwardVideo(features);
    return [outputs.cas.read(), outputs.attention.read(), outputs.videoScores.read()];
  });
  const [cas, attention, videoScores] = (await Promise.all(reads)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];

  const proposals = proposeSegments({ cas, attention, videoScores, background: true }, { duration }, options);
  const probabilities = classProbabilities(cas, classes.length);
  return {
    duration,
    segments: proposals.map(({ label, ...rest }) => ({ ...rest, label: classes[label]! })),
    classes: classes
      .slice(0, -1)
      .map((label, i) => ({ label, probability: videoScores[i]! }))
      .sort((a, b) => b.probability - a.probability),
    activation(label) {
      const index = classes.indexOf(label);
      return Float64Array.from(
        { length: features.steps },
        (_, t) => probabilities[t * classes.length + index]!,
      );
    },
    attention,
  };
}
