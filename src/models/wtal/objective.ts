import {
  checkArguments,
  checkFields,
  flag,
  integer,
  numberIn,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
} from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import { add, mul } from '../../ops/array/binary.js';
import { narrow } from '../../ops/array/slice.js';
import { softmax } from '../../ops/array/softmax.js';
import { scaleShift } from '../../ops/array/unary.js';
import { sameShape, shapeText } from '../../tensor/shape.js';
import { anyTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import type { LossParts } from '../../training/training-task.js';
import { type BaseOutputs, baseOutputsRule } from './base.js';
import { absentClasses } from './losses/absent-classes.js';
import { actionBackground } from './losses/action-background.js';
import { attentionNorm } from './losses/attention-norm.js';
import { backgroundExcess } from './losses/background-excess.js';
import { binaryMil } from './losses/binary-mil.js';
import { coActivity } from './losses/co-activity.js';
import { curriculum } from './losses/curriculum.js';
import { evidence } from './losses/evidence.js';
import { generalizedCrossEntropy } from './losses/generalized-cross-entropy.js';
import { guide } from './losses/guide.js';
import { labelMask } from './losses/label-mask.js';
import { magnitudeMargin } from './losses/magnitude-margin.js';
import { mutualDistillation } from './losses/mutual-distillation.js';
import { reconstruction } from './losses/reconstruction.js';
import { softmaxMil } from './losses/softmax-mil.js';
import { suppressedCas } from './losses/suppressed-cas.js';
import { topMask } from './losses/top-mask.js';
import { snippetCount } from './losses/top-snippets.js';
import { segmentScores } from './segment-scores.js';

export interface WeightedLoss {
  /** Factor of the loss. */
  readonly weight: number;
}

/** What a base learns by: its losses, each with its weight. Those that are absent are not computed. */
export interface WtalObjective {
  /** Softmax MIL of the CAS with background 1 and of the suppressed CAS with background 0, over the ⌊T / ratio⌋ best snippets. */
  readonly softmaxMil?: WeightedLoss & { readonly ratio: number };
  /** Binary MIL over the best `snippets` (ours); `attended`: as well of the probabilities times the attention. */
  readonly binaryMil?: WeightedLoss & { readonly snippets: number; readonly attended: boolean };
  /** Mean probability of the classes that a video does not have (ours). */
  readonly absentClasses?: WeightedLoss;
  /** By how much the background's mean probability exceeds `above` (ours). */
  readonly backgroundExcess?: WeightedLoss & { readonly above: number };
  /** Co-activity of the batch's first `pairs` pairs of videos with a common class. */
  readonly coActivity?: WeightedLoss & { readonly pairs: number };
  /** Mean of the attentions. */
  readonly attentionNorm?: WeightedLoss;
  /** How far the attentions are from what the classifier does not call background. */
  readonly guide?: WeightedLoss;
  /** The two modalities' attentions learn from each other. */
  readonly mutual?: WeightedLoss;
  /** Squared errors of the attention's auto-encoders. */
  readonly reconstruction?: WeightedLoss;
  /** DELU's evidential loss over the ⌊T / ratio⌋ snippets with the most attention. */
  readonly evidence?: WeightedLoss & { readonly ratio: number };
  /** DELU's guide loss, weighted by the uncertainty of snippets; needs `progress`. */
  readonly curriculum?: WeightedLoss & { readonly amplitude: number };
  /** The losses of ActionDiff's sibling by a mask, which snippets show which class. */
  readonly masked?: MaskedLosses;
}

export interface MaskedLosses {
  /** Where no mask is given: the ⌊T / ratio⌋ snippets of each class with the best segment scores. */
  readonly ratio: number;
  /** Cross-entropies of the action score and of 1 − the background score. */
  readonly scores: WeightedLoss;
  /** Generalised cross-entropy of each attention and actionness of a modality. */
  readonly attentions: WeightedLoss & { readonly q: number };
  /** Length of the features inside of the mask and outside. */
  readonly magnitude: WeightedLoss & { readonly margin: number };
}

const weight = numberIn(0);
const least1 = numberIn(1);

/** A loss of the objective, with its fields and no others. */
function loss<T extends object>(rules: Rules<T>): Rule<T | undefined> {
  return optional(onlyFields(rules));
}

const objectiveRules: Rules<WtalObjective> = {
  softmaxMil: loss({ weight, ratio: least1 }),
  binaryMil: loss({ weight, snippets: integer(1), attended: flag }),
  absentClasses: loss({ weight }),
  backgroundExcess: loss({ weight, above: numberIn(0, 1) }),
  coActivity: loss({ weight, pairs: integer(1) }),
  attentionNorm: loss({ weight }),
  guide: loss({ weight }),
  mutual: loss({ weight }),
  reconstruction: loss({ weight }),
  evidence: loss({ weight, ratio: least1 }),
  curriculum: loss({ weight, amplitude: numberIn(0, 1) }),
  masked: loss({
    ratio: least1,
    scores: onlyFields<WeightedLoss>({ weight }),
    attentions: onlyFields<MaskedLosses['attentions']>({ weight, q: positive }),
    magnitude: onlyFields<MaskedLosses['magnitude']>({ weight, margin: numberIn(0) }),
  }),
};

/** Unknown names are refused, at every depth. */
export const objectiveRule: Rule<WtalObjective> = onlyFields(objectiveRules);

const thumosBase = {
  softmaxMil: { weight: 1, ratio: 7 },
  coActivity: { weight: 1, pairs: 3 },
  attentionNorm: { weight: 0.8 },
  guide: { weight: 0.8 },
  mutual: { weight: 1 },
} satisfies WtalObjective;

const activitynetBase = { ...thumosBase, softmaxMil: { weight: 1, ratio: 5 } } satisfies WtalObjective;

/** q is published. The weights λ and β, the ratio (ActionDiff's is not known either) and the margin (Lee et al.'s) are ours. */
const fourHead = {
  masked: {
    ratio: 5,
    scores: { weight: 1 },
    attentions: { weight: 0.1, q: 0.7 },
    magnitude: { weight: 5e-4, margin: 100 },
  },
} satisfies WtalObjective;

/** Objectives by name. Those of CO2-Net and DELU have the released numbers. */
export const wtalObjectives = {
  /** CO2-Net, THUMOS-14. */
  'co2net-thumos14': thumosBase,
  /** CO2-Net, ActivityNet 1.2 and 1.3. */
  'co2net-activitynet': activitynetBase,
  /** DELU, THUMOS-14. */
  'delu-thumos14': {
    ...thumosBase,
    guide: { weight: 0.4 },
    evidence: { weight: 1.3, ratio: 9 },
    curriculum: { weight: 0.4, amplitude: 0.7 },
  },
  /** DELU, ActivityNet 1.2 and 1.3. */
  'delu-activitynet': {
    ...activitynetBase,
    evidence: { weight: 1.2, ratio: 5 },
    curriculum: { weight: 0.2, amplitude: 0.2 },
  },
  /** The sibling of ActionDiff without its diffusion, whatever the data set. */
  'four-head': fourHead,
  /** Ours, for bags that show several classes. */
  binary: {
    binaryMil: { weight: 1, snippets: 16, attended: true },
    absentClasses: { weight: 1 },
    backgroundExcess: { weight: 1, above: 0.1 },
  },
} satisfies Readonly<Record<string, WtalObjective>>;

export interface ObjectiveOperands {
  /** f32 (B, K − 1): 1 where the video has the class, else 0. */
  readonly labels: Tensor;
  /** f32 (1): share of the training that is done, 0 to 1. For the curriculum. */
  readonly progress?: Tensor | undefined;
  /** f32 (B, T, K): 1 for the snippets that show a class, else 0. For `masked`, in the place of its own. */
  readonly mask?: Tensor | undefined;
}

const operandRules: Rules<ObjectiveOperands> = {
  labels: anyTensor,
  progress: optional(anyTensor),
  mask: optional(anyTensor),
};

/**
 * The losses of an objective, each times its weight: what a task gives to `train`.
 * @throws OptionError where the objective has no loss, or one that the base has not the parts for
 * @throws ShapeError, DtypeError
 */
export function objectiveLoss(
  outputs: BaseOutputs,
  operands: ObjectiveOperands,
  objective: WtalObjective,
): LossParts {
  checkArguments(
    'objectiveLoss',
    { outputs, objective },
    { outputs: baseOutputsRule, objective: objectiveRule },
  );
  checkFields('objectiveLoss', operands, operandRules, 'operand');
  checkShapes(outputs, operands);
  const { cas, attention, modalAttentions, features, reconstructions } = outputs;
  const { labels, progress } = operands;
  const attentions = [attention, ...modalAttentions];
  return cas.runtime.scope(() => {
    const parts: Record<string, Tensor> = {};
    const put = (name: string, options: WeightedLoss | undefined, loss: () => Tensor) => {
      if (options) parts[name] = cas.runtime.scope(() => scaleShift(loss(), options.weight, 0));
    };
    const { softmaxMil: mil, binaryMil: binary, backgroundExcess: excess } = objective;
    const { coActivity: pairs, evidence: evidential, curriculum: course } = objective;
    const suppressed = mil || pairs || evidential || course ? suppressedCas(cas, attention) : cas;
    put('milOriginal', mil, () => softmaxMil(cas, labels, mil!.ratio, 1));
    put('milSuppressed', mil, () => softmaxMil(suppressed, labels, mil!.ratio, 0));
    if (binary || objective.absentClasses || excess) {
      const probabilities = softmax(cas);
      const classes = labels.shape[1]!;
      const ofClasses = narrow(probabilities, 2, 0, classes);
      put('binaryMil', binary, () => binaryMil(ofClasses, labels, binary!.snippets));
      put('binaryMilAttended', binary?.attended ? binary : undefined, () => {
        const attended = mul(ofClasses, attention.reshape([...attention.shape, 1]));
        return binaryMil(attended, labels, binary!.snippets);
      });
      put('absentClasses', objective.absentClasses, () => absentClasses(ofClasses, labels));
      put('backgroundExcess', excess, () =>
        backgroundExcess(narrow(probabilities, 2, classes, 1).reshape(attention.shape), excess!.above),
      );
    }
    put('coActivity', pairs, () => {
      need(2 * pairs!.pairs <= cas.shape[0]!, 'coActivity.pairs', 'pairs that fit into the batch');
      return coActivity(features, suppressed, labels, pairs!.pairs);
    });
    put('attentionNorm', objective.attentionNorm, () => attentionNorm(attentions));
    put('guide', objective.guide, () => guide(cas, attentions));
    put('mutual', objective.mutual, () => {
      need(modalAttentions.length === 2, 'mutual', 'a base with two attentions');
      return mutualDistillation(modalAttentions[0]!, modalAttentions[1]!);
    });
    put('reconstruction', objective.reconstruction, () => {
      need(reconstructions.length > 0, 'reconstruction', 'a base with auto-encoders');
      return reconstruction(reconstructions);
    });
    put('evidence', evidential, () => evidence(suppressed, attention, labels, evidential!.ratio));
    put('curriculum', course, () => {
      need(progress !== undefined, 'curriculum', 'the operand progress');
      return curriculum({ cas, suppressed, attentions, progress: progress! }, course!.amplitude);
    });
    if (objective.masked) Object.assign(parts, maskedLosses(outputs, operands, objective.masked));
    need(Object.keys(parts).length > 0, '', 'at least one loss');
    return parts;
  });
}

function maskedLosses(
  outputs: BaseOutputs,
  { labels, mask }: ObjectiveOperands,
  { ratio, scores: ofScores, attentions, magnitude }: MaskedLosses,
): LossParts {
  const { cas, features, attention, modalAttentions, actionness } = outputs;
  return cas.runtime.scope(() => {
    const scores = segmentScores(outputs);
    const among = mask ?? topMask(scores, snippetCount(cas.shape[1]!, ratio));
    const ofVideo = labelMask(among, labels);
    const found = [...modalAttentions, ...actionness];
    const sequences = found.length === 0 ? [attention] : found;
    const cross = sequences.map((one) => generalizedCrossEntropy(one, ofVideo, attentions.q)).reduce(add);
    return {
      actionBackground: scaleShift(
        actionBackground({ cas, scores, mask: among, labels }),
        ofScores.weight,
        0,
      ),
      generalizedCrossEntropy: scaleShift(cross, attentions.weight, 0),
      magnitudeMargin: scaleShift(magnitudeMargin(features, ofVideo, magnitude.margin), magnitude.weight, 0),
    };
  });
}

/** @throws OptionError unless an objective has what it needs */
function need(there: boolean, loss: string, what: string): void {
  if (!there) throw new OptionError(`objectiveLoss: objective${loss && `.${loss}`} needs ${what}`);
}

/** @throws ShapeError, DtypeError */
function checkShapes(
  { cas, features, attention, modalAttentions, actionness }: BaseOutputs,
  { labels, progress, mask }: ObjectiveOperands,
): void {
  const [batch = 0, steps = 0, classes = 0] = cas.shape;
  if (cas.rank !== 3 || classes < 2) {
    throw new ShapeError(`objectiveLoss: cas must be (B, T, K) with two classes or more, not ${cas}`);
  }
  const check = (name: string, tensor: Tensor | undefined, ...shape: number[]) => {
    if (!tensor) return;
    expectDtype(tensor, `objectiveLoss: ${name}`, 'f32');
    if (sameShape(tensor.shape, shape)) return;
    const wanted = shapeText(shape);
    throw new ShapeError(
      `objectiveLoss: ${name} must have the shape ${wanted} for cas ${cas}, not ${tensor}`,
    );
  };
  check('cas', cas, ...cas.shape);
  check('features', features, batch, steps, features.shape[2] ?? 0);
  check('attention', attention, batch, steps);
  for (const [i, one] of modalAttentions.entries()) check(`modalAttentions[${i}]`, one, batch, steps);
  for (const [i, one] of actionness.entries()) check(`actionness[${i}]`, one, batch, steps);
  check('labels', labels, batch, classes - 1);
  check('progress', progress, 1);
  check('mask', mask, batch, steps, classes);
}
