import {
  checkArguments,
  checkFields,
  flag,
  integer,
  number,
  numberIn,
  numbers,
  objectWith,
  oneOf,
  optional,
  positive,
  type Rules,
  rule,
  someOf,
} from '../../arguments.js';
import { NotFiniteError, ShapeError } from '../../errors.js';
import { type ScoredSegment, type Segment, softSuppress } from '../../time/segment.js';

/** What a weakly supervised network says about a video of T steps and K classes. */
export interface LocalizationScores {
  /** [T, K] class activation sequence, logits. With `background`, the last class is the background. */
  cas: ArrayLike<number>;
  /** [T] class-agnostic attention. */
  attention: ArrayLike<number>;
  /** [K] probability of each class in the video. */
  videoScores: ArrayLike<number>;
  /** [T, K] scores of each class at each step, where the network has scores of its own for segments. */
  segmentScores?: ArrayLike<number>;
  /** Whether the last of the K classes is the background, which is never proposed. */
  background: boolean;
}

export interface Timing {
  /** Length of the video in seconds; segments are cut there. */
  duration: number;
  /** Seconds from one step to the next; default `duration / T`. Give it where the last step is padded. */
  secondsPerStep?: number;
}

/**
 * How segments are read off the sequences. Use `CO2NET_PROPOSALS` or `CMCS_PROPOSALS`, which are published,
 * and change single fields: `{ ...CMCS_PROPOSALS, classThreshold: 0.2 }`.
 */
export interface ProposalOptions {
  /** Classes with at least this video score are localized; the best one always is. */
  classThreshold: number;
  /**
   * The sequence to threshold, per class: the attention (the same for every class), or the probability of the
   * class at each step, the softmax of `cas` over all K classes, or `segmentScores`.
   */
  activation: 'attention' | 'class' | 'segment';
  /**
   * Whether that sequence is first rescaled to [0, 1] over time. Attention that is a softmax over time has
   * values around 1/T and needs it with absolute thresholds (ours; CMCS rescales class probabilities).
   */
  normalize: boolean;
  /** Runs above a threshold become segments; each threshold gives its own. */
  thresholds: readonly number[];
  /** Whether thresholds are values of the sequence, or multiples of its mean over time. */
  thresholdUnit: 'absolute' | 'mean';
  /** Samples per step, linearly interpolated between the middles of steps; 1 leaves the steps as they are. */
  samplesPerStep: number;
  /** By how many steps a run grows in all, half on each side. Runs that come to touch are one. */
  dilation: number;
  /**
   * The sequence that scores a segment: the one that was thresholded, or `cas * attention`.
   */
  scoredOn: 'activation' | 'weighted-cas';
  /** Context on each side of a segment, as a fraction of its length (lambda). */
  context: number;
  /** Weight of the video score in the score of a segment (gamma). */
  videoScoreWeight: number;
  /** Weight of the root of the share of the video that a segment covers, in its score (ours). Default 0. */
  lengthWeight?: number;
  /**
   * Leaves out what the released code leaves out: at each threshold, the first step where no other is above it (CO2-Net, DELU),
   * and segments of one step (DELU). Default: nothing.
   */
  compat?: 'co2net' | 'delu';
  /** Sigma of the Gaussian soft-NMS per class, or null for none. */
  softNmsSigma: number | null;
}

const scoresRule = objectWith<LocalizationScores>({
  cas: numbers,
  attention: numbers,
  videoScores: numbers,
  background: flag,
  segmentScores: optional(numbers),
});

const timingRule = objectWith<Timing>({ duration: positive, secondsPerStep: optional(positive) });

export const proposalRules: Rules<ProposalOptions> = {
  classThreshold: number,
  activation: oneOf('attention', 'class', 'segment'),
  normalize: flag,
  thresholds: someOf(number),
  thresholdUnit: oneOf('absolute', 'mean'),
  samplesPerStep: integer(1),
  dilation: numberIn(0),
  scoredOn: oneOf('activation', 'weighted-cas'),
  context: numberIn(0),
  videoScoreWeight: number,
  lengthWeight: optional(number),
  compat: optional(oneOf('co2net', 'delu')),
  softNmsSigma: rule(
    'a finite number above 0, or null for none',
    (value) => value === null || positive.accepts(value),
  ),
};

const linspace = (start: number, end: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * i) / (count - 1));

/** As in the code of CO2-Net (`multiple_threshold_hamnet`), also used by DELU (with 20 thresholds). */
export const CO2NET_PROPOSALS: Readonly<ProposalOptions> = {
  classThreshold: 0.2,
  activation: 'attention',
  normalize: false,
  thresholds: linspace(0.1, 0.9, 10),
  thresholdUnit: 'absolute',
  samplesPerStep: 1,
  dilation: 0,
  scoredOn: 'weighted-cas',
  context: 0.25,
  videoScoreWeight: 0.2,
  softNmsSigma: 0.3,
};

/**
 * As in the code of CMCS (`detect.py` with the released configuration for THUMOS-14): runs of the rescaled
 * class probability above its mean. Two details are ours: a step's value stands at the middle of the step
 * rather than at its start, and the best class is localized even where its video score is low.
 */
export const CMCS_PROPOSALS: Readonly<ProposalOptions> = {
  classThreshold: 0.1,
  activation: 'class',
  normalize: true,
  thresholds: [1],
  thresholdUnit: 'mean',
  samplesPerStep: 16,
  dilation: 1.25,
  scoredOn: 'activation',
  context: 0.25,
  videoScoreWeight: 0.25,
  softNmsSigma: null,
};

/**
 * CMCS as released for ActivityNet-1.2: the threshold is practically zero, so a class that is present covers
 * nearly the whole video. That suits videos that one action fills; to tell one instance from the next use
 * `CMCS_PROPOSALS`.
 */
export const CMCS_ACTIVITYNET_PROPOSALS: Readonly<ProposalOptions> = {
  ...CMCS_PROPOSALS,
  thresholds: [1e-7],
};

export interface ProposedSegment extends ScoredSegment {
  /** Index of the class. */
  readonly label: number;
  /** [start, end] in seconds. */
  readonly segment: Segment;
}

/**
 * Localizes the classes of a video that a weakly supervised network has scored. Per class: runs of the
 * activation above each threshold become segments; a segment scores its mean activation, less that of its
 * context (outer-inner contrast, AutoLoc, Shou et al., ECCV 2018), plus the weighted video score; then
 * soft-NMS, with lengths in steps, of which the last one counts.
 * @returns segments by falling score; none where the activation is constant and thresholds are its mean
 * @throws ShapeError where the sequences do not fit together, OptionError for an option out of range,
 *   NotFiniteError where a score is NaN or infinite
 */
export function proposeSegments(
  scores: LocalizationScores,
  timing: Timing,
  options: Readonly<ProposalOptions>,
): ProposedSegment[] {
  checkArguments('proposeSegments', { scores, timing }, { scores: scoresRule, timing: timingRule });
  checkFields('proposeSegments', options, proposalRules);
  checkScores(scores);
  if (options.activation === 'segment' && scores.segmentScores?.length !== scores.cas.length) {
    throw new ShapeError(
      `proposeSegments: activation "segment" needs segmentScores of ${scores.cas.length} values, not ${scores.segmentScores?.length ?? 'none'}`,
    );
  }
  const steps = scores.attention.length;
  const { duration, secondsPerStep = duration / steps } = timing;
  return selectClasses(scores, options.classThreshold)
    .flatMap((label) => proposeClass(scores, label, options))
    .map(({ segment: [start, end], ...rest }) => ({
      ...rest,
      segment: [start * secondsPerStep, Math.min(end * secondsPerStep, duration)] as const,
    }))
    .filter(({ segment: [start, end] }) => start < end)
    .sort((a, b) => b.score - a.score);
}

function checkScores({ cas, attention, videoScores, background }: LocalizationScores): void {
  const [steps, classes] = [attention.length, videoScores.length];
  if (steps === 0 || classes <= (background ? 1 : 0) || cas.length !== steps * classes) {
    throw new ShapeError(
      `Class activations [T x K = ${cas.length}], attention [T = ${steps}] and video scores [K = ${classes}]` +
        `${background ? ', the last the background,' : ''} do not belong together`,
    );
  }
  for (const [name, sequence] of Object.entries({ cas, attention, videoScores })) {
    const bad = Array.prototype.findIndex.call(sequence, (value: number) => !Number.isFinite(value));
    if (bad < 0) continue;
    throw new NotFiniteError(
      `${name}[${bad}] is ${sequence[bad]}: the network overflowed or its weights are damaged`,
    );
  }
}

/** Segments of one class, in steps. */
function proposeClass(
  scores: LocalizationScores,
  label: number,
  options: ProposalOptions,
): ProposedSegment[] {
  const { samplesPerStep, thresholdUnit, context, videoScoreWeight, softNmsSigma, compat } = options;
  const { lengthWeight = 0 } = options;
  const attention = Float64Array.from(scores.attention);
  const classes = scores.videoScores.length;
  const stepActivation = stepActivations(scores, options.activation, label);
  const activation = interpolate(
    options.normalize ? rescale(stepActivation) : stepActivation,
    samplesPerStep,
  );
  const weighted = column(scores.cas, classes, label).map((logit, step) => logit * attention[step]!);
  const scored = options.scoredOn === 'activation' ? activation : interpolate(weighted, samplesPerStep);
  const unit = thresholdUnit === 'mean' ? mean(activation, 0, activation.length) : 1;
  const growth = Math.round((options.dilation * samplesPerStep) / 2);

  const proposals = options.thresholds.flatMap((threshold) =>
    kept(runsAbove(activation, threshold * unit, growth), samplesPerStep, compat).map(([start, end]) => ({
      label,
      score:
        contrast(scored, start, end, context) +
        videoScoreWeight * scores.videoScores[label]! +
        lengthWeight * Math.sqrt((end - start) / activation.length),
      segment: [start / samplesPerStep, end / samplesPerStep] as const,
    })),
  );
  return softNmsSigma === null ? proposals : softSuppress(proposals, softNmsSigma, 1);
}

/** [T] what is thresholded for a class. */
function stepActivations(
  { attention, cas, videoScores: { length: classes }, segmentScores }: LocalizationScores,
  activation: ProposalOptions['activation'],
  label: number,
): Float64Array {
  if (activation === 'attention') return Float64Array.from(attention);
  return column(activation === 'class' ? classProbabilities(cas, classes) : segmentScores!, classes, label);
}

/** Labels whose video score reaches the threshold, or else the best one. */
function selectClasses({ videoScores, background }: LocalizationScores, threshold: number): number[] {
  const labels = Array.from({ length: videoScores.length - (background ? 1 : 0) }, (_, label) => label);
  const present = labels.filter((label) => videoScores[label]! >= threshold);
  if (present.length > 0) return present;
  return [labels.reduce((best, label) => (videoScores[label]! > videoScores[best]! ? label : best))];
}

/** [T] of one class, out of [T, K]. */
const column = (sequence: ArrayLike<number>, classes: number, label: number): Float64Array =>
  Float64Array.from({ length: sequence.length / classes }, (_, step) => sequence[step * classes + label]!);

/**
 * Softmax of a class activation sequence over its K classes, step by step.
 * @param cas [T, K] logits
 * @returns [T, K] probabilities
 */
export function classProbabilities(cas: ArrayLike<number>, classes: number): Float64Array {
  const probabilities = Float64Array.from(cas);
  for (let start = 0; start < probabilities.length; start += classes) {
    const row = probabilities.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let i = 0; i < classes; i++) total += row[i] = Math.exp(row[i]! - largest);
    for (let i = 0; i < classes; i++) row[i]! /= total;
  }
  return probabilities;
}

/** Min-max normalisation to [0, 1]; zeros where the sequence is constant. */
function rescale(sequence: Float64Array): Float64Array {
  const smallest = sequence.reduce((a, b) => Math.min(a, b));
  const range = sequence.reduce((a, b) => Math.max(a, b)) - smallest;
  return range > 0 ? sequence.map((value) => (value - smallest) / range) : sequence.map(() => 0);
}

/** Samples at (j + 1/2) / samplesPerStep steps, of values that stand at i + 1/2; constant beyond the ends. */
function interpolate(sequence: Float64Array, samplesPerStep: number): Float64Array {
  const last = sequence.length - 1;
  return Float64Array.from({ length: sequence.length * samplesPerStep }, (_, j) => {
    const position = Math.min(last, Math.max(0, (j + 0.5) / samplesPerStep - 0.5));
    const before = Math.floor(position);
    const after = Math.min(last, before + 1);
    return sequence[before]! + (position - before) * (sequence[after]! - sequence[before]!);
  });
}

/** Maximal runs [start, end) of samples above the threshold, grown on both sides, touching ones joined. */
function runsAbove(sequence: Float64Array, threshold: number, growth: number): [number, number][] {
  const runs: [number, number][] = [];
  for (let i = 0; i < sequence.length; i++) {
    if (!(sequence[i]! > threshold)) continue;
    const start = Math.max(0, i - growth);
    const end = Math.min(sequence.length, i + 1 + growth);
    const previous = runs.at(-1);
    if (previous && start <= previous[1]) previous[1] = end;
    else runs.push([start, end]);
  }
  return runs;
}

/** The runs of a threshold that the released code keeps, in samples. */
function kept(
  runs: readonly [number, number][],
  step: number,
  compat: ProposalOptions['compat'],
): readonly [number, number][] {
  if (compat === undefined) return runs;
  const [first] = runs;
  if (runs.length === 1 && first![0] === 0 && first![1] <= step) return [];
  return compat === 'delu' ? runs.filter(([start, end]) => end - start > step) : runs;
}

const mean = (sequence: Float64Array, start: number, end: number): number =>
  sequence.subarray(start, end).reduce((sum, value) => sum + value, 0) / (end - start);

/**
 * Mean inside [start, end) less the mean of the context on both sides, which is cut at the ends of the
 * sequence. As in the CO2-Net code, bounds of the context are truncated to whole samples, so that of an odd
 * sample the left side gets it.
 */
function contrast(sequence: Float64Array, start: number, end: number, context: number): number {
  const extent = context * (end - start);
  const outerStart = Math.max(0, Math.floor(start - extent));
  const outerEnd = Math.min(sequence.length, Math.floor(end + extent));
  const outerCount = start - outerStart + (outerEnd - end);
  const inner = mean(sequence, start, end);
  if (outerCount === 0) return inner;
  const total = (from: number, to: number) => (from < to ? mean(sequence, from, to) * (to - from) : 0);
  return inner - (total(outerStart, start) + total(end, outerEnd)) / outerCount;
}

/**
 * Video scores of CO2-Net: per class the mean of its ⌊T / ratio⌋ (at least one) highest `cas * attention`,
 * then a softmax over all K classes.
 * @returns [K] probabilities
 * @throws ShapeError where T x K does not give the length of `cas`
 */
export function topKVideoScores(
  cas: ArrayLike<number>,
  attention: ArrayLike<number>,
  ratio = 10,
): Float64Array {
  const steps = attention.length;
  const classes = cas.length / steps;
  if (!(Number.isInteger(classes) && classes > 0)) {
    throw new ShapeError(`Class activations of ${cas.length} values do not divide into ${steps} steps`);
  }
  const count = Math.max(1, Math.floor(steps / ratio));
  const logits = Float64Array.from({ length: classes }, (_, label) => {
    const weighted = Float64Array.from(
      { length: steps },
      (_, t) => cas[t * classes + label]! * attention[t]!,
    );
    return mean(weighted.sort(), steps - count, steps);
  });
  return classProbabilities(logits, classes);
}
