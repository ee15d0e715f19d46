import {
  checkArgument,
  checkFields,
  integer,
  number,
  numberIn,
  objectWith,
  onlyFields,
  optional,
  type Rules,
  rule,
  someOf,
  text,
} from '../arguments.js';

/**
 * How high the best score of a model is for false sentences, on videos that training did not see. A score above
 * `falseQuery95` tells that the sentence is probably true of the video, one below it tells nothing: how many true
 * sentences are below stands in `trueAbove`.
 */
export interface Calibration {
  /** The score that 95 % of false sentences do not exceed. */
  readonly falseQuery95: number;
  /** How many false sentences were scored, each with a video that it is false of. */
  readonly falseQueries: number;
  /** How many true sentences were scored. */
  readonly trueQueries: number;
  /** The share of the true sentences whose score is above `falseQuery95`, from 0 to 1. */
  readonly trueAbove: number;
  /** The area under the ROC curve: the probability that a true sentence has a higher score than a false one. */
  readonly auroc: number;
  /** DDIM steps of the scores: those of other steps are not comparable. */
  readonly steps: number;
  /** What the sentences and videos are. */
  readonly data: string;
}

/**
 * Whether a score is above what 95 % of false sentences reach.
 * @param scored the score, and the number of DDIM steps that it was sampled with
 * @returns undefined where that cannot be said: there is no calibration, or it is one of other steps
 * @throws OptionError
 */
export function aboveFalseQueries(
  calibration: Calibration | undefined,
  scored: { readonly score: number; readonly steps: number },
): boolean | undefined {
  const where = 'aboveFalseQueries';
  checkArgument(where, 'calibration', calibration, optional(objectWith(calibrationRules)));
  checkFields(where, scored, { score: anyScore, steps: integer(1) }, 'field');
  const { score, steps } = scored;
  return calibration?.steps === steps ? score > calibration.falseQuery95 : undefined;
}

/** A model without a moment has the score -Infinity. */
const anyScore = rule<number>('a number', (value) => typeof value === 'number' && !Number.isNaN(value));

/** The rules of a stored calibration, see `checkFields`. */
export const calibrationRules: Rules<Calibration> = {
  falseQuery95: number,
  falseQueries: integer(1),
  trueQueries: integer(1),
  trueAbove: numberIn(0, 1),
  auroc: numberIn(0, 1),
  steps: integer(1),
  data: text,
};

const decimals = (value: number): number => Math.round(value * 1e4) / 1e4;

/**
 * Measures how scores tell true sentences from false ones; shares and scores are rounded to four decimals.
 * @param scores the best score of each true and of each false sentence
 * @throws OptionError where one of them is empty or holds something other than finite numbers
 */
export function calibrate(
  scores: { readonly true: readonly number[]; readonly false: readonly number[] },
  measured: Pick<Calibration, 'steps' | 'data'>,
): Calibration {
  const some = someOf(number);
  checkArgument('calibrate', 'scores', scores, onlyFields<typeof scores>({ true: some, false: some }));
  checkFields('calibrate', measured, { steps: integer(1), data: text }, 'field');
  const { steps, data } = measured;
  const sorted = scores.false.toSorted((a, b) => a - b);
  // Rounded up, so that no more than 5 % are above what is stored.
  const falseQuery95 = Math.ceil(sorted[Math.ceil(0.95 * sorted.length) - 1]! * 1e4) / 1e4;
  const above = scores.true.filter((score) => score > falseQuery95).length;
  return {
    falseQuery95,
    falseQueries: sorted.length,
    trueQueries: scores.true.length,
    trueAbove: decimals(above / scores.true.length),
    auroc: decimals(auroc(scores.true, scores.false)),
    steps,
    data,
  };
}

/** The probability that one of `higher` is above one of `lower`; a tie counts half. */
export function auroc(higher: readonly number[], lower: readonly number[]): number {
  const wins = higher.reduce(
    (sum, a) => sum + lower.reduce((own, b) => own + (a > b ? 1 : a === b ? 0.5 : 0), 0),
    0,
  );
  return wins / (higher.length * lower.length);
}

/** A sentence that is true of one action of a video. */
export interface SentenceOfAction {
  readonly query: string;
  /** `ordinal` where it counts ("the second time"), `relation` where it names a neighbour ("right after"). */
  readonly kind: string;
  readonly label: string;
  /** What is done right before and right after it; undefined at the ends of the video. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** How many actions of the same label come before it at least. */
  readonly earlier: number;
  /** Whether it is the last of its label. */
  readonly last: boolean;
}

/** Why a sentence is false of a video: its action does not occur, or not in the order that it says. */
export type Falseness = 'absent' | 'order';

/**
 * Whether a sentence is false of a video, whichever words it has: undefined where it may be true.
 * @param labels what is done in the video, in order
 */
export function falseOf(sentence: SentenceOfAction, labels: readonly string[]): Falseness | undefined {
  const { kind, label, before, after, earlier, last } = sentence;
  const places = [...labels.keys()].filter((i) => labels[i] === label);
  if (places.length === 0) return 'absent';
  // The last one may be asked for as "the last", of however many.
  if (kind === 'ordinal' && !last && places.length <= earlier) return 'order';
  const alike = (i: number) =>
    (before !== undefined && labels[i - 1] === before) || (after !== undefined && labels[i + 1] === after);
  return kind === 'relation' && !places.some(alike) ? 'order' : undefined;
}
