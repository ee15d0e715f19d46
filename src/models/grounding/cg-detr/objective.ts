import {
  checkArguments,
  checkFields,
  numberIn,
  objectWith,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { add } from '../../../ops/array/binary.js';
import { repeat } from '../../../ops/array/broadcast-to.js';
import { clamp, scaleShift, softplus } from '../../../ops/array/unary.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LossParts } from '../../../training/training-task.js';
import { attentionDistillation } from '../losses/attention-distillation.js';
import { codebookLoss } from '../losses/codebook-loss.js';
import { labelLoss } from '../losses/label-loss.js';
import { matchSpans, type SpanWeights } from '../losses/match-spans.js';
import { momentAlignment, momentMembers } from '../losses/moment-alignment.js';
import { negativePairs } from '../losses/negative-pairs.js';
import { orthogonality } from '../losses/orthogonality.js';
import { rankContrast } from '../losses/rank-contrast.js';
import { type CaptionedClips, relationAlignment } from '../losses/relation-alignment.js';
import { saliencyHinge } from '../losses/saliency-hinge.js';
import { type DescribedEvents, semanticAlignment } from '../losses/semantic-alignment.js';
import { spanLosses } from '../losses/span-losses.js';
import { textMassEntropy, unlikelihood } from '../losses/text-mass-entropy.js';
import type { RetrievedCodes } from '../masra/codebook.js';
import { textMass } from './adaptive-interaction.js';
import type { CgDetrTrainingOutputs } from './cg-detr.js';
import type { Aligned } from './moment-alignment.js';

/** Factors of the losses. */
export interface CgDetrObjective {
  /** Of moments, which queries are matched by too; none where absent, for data with highlights alone. */
  readonly spans?: SpanWeights & {
    /** How much queries count that are no moment. */
    readonly background: number;
  };
  /** Of the pairs of clips, and of all that follows. */
  readonly saliency: number;
  /** By how much the higher of a pair is to be above the other. */
  readonly margin: number;
  /** Of the rank contrast, in proportion to `saliency`; default 0, as all that follows. */
  readonly contrast?: number;
  /** Of clips with the text of another video, in proportion to `saliency`. */
  readonly negatives?: number;
  /** Of the same three for the probability that clips give words, and of its cross-entropy, in proportion to `saliency`. */
  readonly attention?: number;
  /** Of moments with sentences. */
  readonly alignment?: number;
  /** Of the attention with the similarity of moments and sentences. */
  readonly distillation?: number;
  /** Of dummies and prompts. */
  readonly orthogonality?: number;
  /** λ_cb of MASRA: of the codebook with its contexts. */
  readonly codebook?: number;
  /** β of MASRA: of the contexts with the codebook, in proportion to `codebook`; default 0.25. */
  readonly commitment?: number;
  /** λ_sem of MASRA: of the temporal context with the events of priors (ESTA). */
  readonly semanticAlignment?: number;
  /** λ_rel of MASRA: of the relations of clips with those of their captions in priors (LRCA). */
  readonly relationAlignment?: number;
}

const factor = numberIn(0);

export const cgDetrObjectiveRule: Rule<CgDetrObjective> = onlyFields<CgDetrObjective>({
  spans: optional(
    onlyFields<NonNullable<CgDetrObjective['spans']>>({
      ...{ l1: factor, iou: factor, label: factor, background: factor },
    }),
  ),
  saliency: factor,
  margin: factor,
  contrast: optional(factor),
  negatives: optional(factor),
  attention: optional(factor),
  alignment: optional(factor),
  distillation: optional(factor),
  orthogonality: optional(factor),
  codebook: optional(factor),
  commitment: optional(factor),
  semanticAlignment: optional(factor),
  relationAlignment: optional(factor),
});

const spans = { l1: 10, iou: 1, label: 4, background: 0.1 };
const highlights: CgDetrObjective = {
  ...{ saliency: 1, margin: 0.2, contrast: 1, negatives: 1, attention: 1 },
};

/** What the configurations of the same names are trained by on QVHighlights; and CG-DETR on data with highlights alone. */
export const cgDetrObjectives = {
  'cg-detr': { ...highlights, spans, alignment: 1, distillation: 1, orthogonality: 1 },
  'qd-detr': { spans, saliency: 1, margin: 0.2, contrast: 1, negatives: 1 },
  'moment-detr': { spans, saliency: 1, margin: 0.2 },
  masra: {
    ...{ ...highlights, spans, alignment: 1, distillation: 1, orthogonality: 1 },
    ...{ codebook: 0.25, semanticAlignment: 1, relationAlignment: 1 },
  },
  highlights,
} as const satisfies Record<string, CgDetrObjective>;

/** What is true of videos and texts. */
export interface CgDetrTargets {
  /** f32 (B, M, 2): centre and width of moments, as parts of the T clips; M is at most the queries of the decoder. */
  readonly spans: Tensor;
  /** u32 (B): how many of the M there are. */
  readonly spanCounts: Tensor;
  /** u32 (B, T): 1 for clips of moments. */
  readonly moments: Tensor;
  /** f32 (B, T): saliency of clips, ranks from 0 to 12. */
  readonly levels: Tensor;
  /** u32 (B, P): clips that are more salient than those of `lower`. A pair with a number of no clip does not count. */
  readonly higher: Tensor;
  /** u32 (B, P). */
  readonly lower: Tensor;
  /** f32 (B): 1 where the next element, to the last the first, is about another video, else 0. */
  readonly otherVideo: Tensor;
  /** What priors tell of the videos, for the losses that learn from them. */
  readonly priors?: PriorTargets;
}

/** Events and clips that are described by texts. */
export interface PriorTargets extends DescribedEvents, CaptionedClips {}

const priorRules: Rules<PriorTargets> = {
  ...{ events: anyTensor, eventClips: anyTensor, captions: anyTensor, captionMask: anyTensor },
};

const targetRules: Rules<CgDetrTargets> = {
  ...{ spans: anyTensor, spanCounts: anyTensor, moments: anyTensor, levels: anyTensor },
  ...{ higher: anyTensor, lower: anyTensor, otherVideo: anyTensor },
  priors: optional(onlyFields(priorRules)),
};

const attended = { saliency: anyTensor, weights: optional(anyTensor) };
const outputsRule: Rule<CgDetrTrainingOutputs> = objectWith<CgDetrTrainingOutputs>({
  ...{ ...attended, logits: anyTensor, spans: anyTensor },
  negatives: optional(objectWith<NonNullable<CgDetrTrainingOutputs['negatives']>>(attended)),
  aligned: optional(
    objectWith<Aligned>({
      ...{ moment: anyTensor, rest: anyTensor, sentence: anyTensor, dummySentence: anyTensor },
      ...{ clips: anyTensor, similarity: anyTensor },
    }),
  ),
  ...{ dummies: optional(anyTensor), prompts: optional(anyTensor), keyMask: optional(anyTensor) },
  ...{ features: optional(anyTensor), described: optional(anyTensor) },
  retrieved: optional(objectWith<RetrievedCodes>({ context: anyTensor, ids: anyTensor, tokens: anyTensor })),
});

/**
 * The losses of CG-DETR, each with its factor: of the moments, matched anew for each layer of the decoder and summed over the layers; of
 * saliency; of the attention to words; of moments and sentences. With MASRA's (equation 11) of its codebook, events and relations.
 * @param videoMask u32 (B, T)
 * @throws OptionError where the model has not what a factor is for; ShapeError, DtypeError
 */
export function cgDetrLosses(
  outputs: CgDetrTrainingOutputs,
  videoMask: Tensor,
  targets: CgDetrTargets,
  objective: CgDetrObjective,
): LossParts {
  checkArguments(
    'cgDetrLosses',
    { outputs, videoMask, objective },
    { outputs: outputsRule, videoMask: anyTensor, objective: cgDetrObjectiveRule },
  );
  checkFields('cgDetrLosses', targets, targetRules, 'operand');
  return outputs.saliency.runtime.scope(() => ({
    ...(objective.spans && momentLosses(outputs, targets, objective.spans)),
    ...saliencyLosses(outputs, videoMask, targets, objective),
    ...alignmentLosses(outputs, videoMask, targets, objective),
    ...masraLosses(outputs, targets, objective),
  }));
}

/** Of all layers of the decoder at once: the sum of each layer's mean is the mean over all, times their number. */
function momentLosses(
  { logits, spans: found }: CgDetrTrainingOutputs,
  { spans, spanCounts }: CgDetrTargets,
  weights: NonNullable<CgDetrObjective['spans']>,
): LossParts {
  const [layers, batch, queries] = found.shape as [number, number, number, number];
  const flat = (x: Tensor) => x.reshape([layers * batch, queries, 2]);
  const [of, wanted] = [
    { logits: flat(logits), spans: flat(found) },
    { spans: repeat(spans, 0, layers), counts: repeat(spanCounts, 0, layers) },
  ];
  const matching = matchSpans(of, wanted, weights);
  const { l1, iou } = spanLosses(of, wanted, matching);
  const label = labelLoss(of.logits, matching, spans.shape[1]!, weights.background);
  return {
    l1: scaleShift(l1, layers * weights.l1, 0),
    iou: scaleShift(iou, layers * weights.iou, 0),
    label: scaleShift(label, layers * weights.label, 0),
  };
}

function saliencyLosses(
  { saliency: scores, negatives, weights, dummies }: CgDetrTrainingOutputs,
  videoMask: Tensor,
  targets: CgDetrTargets,
  objective: CgDetrObjective,
): LossParts {
  const { saliency, contrast = 0, negatives: unrelated = 0, attention = 0 } = objective;
  /** The three losses of some scores, `unlikely` being −log(1 − p) of those with another text. */
  const losses = (scores: Tensor, others: Tensor | undefined, unlikely: (x: Tensor) => Tensor): LossParts => {
    const { levels, otherVideo } = targets;
    const against = (name: string, weight: number, loss: (others: Tensor) => Tensor): LossParts =>
      weight > 0 ? { [name]: scaleShift(loss(had(others, name)), weight, 0) } : {};
    return {
      pairs: saliencyHinge(scores, targets, objective.margin),
      ...against('contrast', contrast, (negatives) =>
        rankContrast({ scores, negatives, levels, videoMask, otherVideo }),
      ),
      ...against('negatives', unrelated, (negatives) =>
        negativePairs(unlikely(negatives), videoMask, otherVideo),
      ),
    };
  };
  const parts = weighted(losses(scores, negatives?.saliency, softplus), saliency);
  if (attention === 0) return parts;
  const count = had(dummies, 'attention').shape[1]!;
  const mass = (weights: Tensor | undefined) => clamp(textMass(had(weights, 'attention'), count), 0, 1);
  const words = mass(weights);
  const attended = {
    ...losses(words, mass(negatives?.weights), unlikelihood),
    entropy: textMassEntropy(words, targets.levels, videoMask),
  };
  return { ...parts, ...weighted(attended, saliency * attention, 'attention.') };
}

function alignmentLosses(
  { aligned, weights, keyMask, dummies, prompts }: CgDetrTrainingOutputs,
  videoMask: Tensor,
  { moments }: CgDetrTargets,
  { alignment = 0, distillation = 0, orthogonality: apart = 0 }: CgDetrObjective,
): LossParts {
  const parts: Record<string, Tensor> = {};
  if (alignment > 0) {
    const of = had(aligned, 'alignment');
    const members = momentMembers(of.moment, of.clips, moments, videoMask);
    Object.assign(parts, weighted({ alignment: momentAlignment(of), members }, alignment));
  }
  if (distillation > 0) {
    const of = 'distillation';
    const { similarity } = had(aligned, of);
    const loss = attentionDistillation({
      ...{ weights: had(weights, of), similarity, keyMask: had(keyMask, of), moments },
    });
    Object.assign(parts, weighted({ distillation: loss }, distillation));
  }
  if (apart > 0) {
    const of = 'orthogonality';
    const loss = add(orthogonality(had(dummies, of)), orthogonality(had(prompts, of)));
    Object.assign(parts, weighted({ orthogonality: loss }, apart));
  }
  return parts;
}

function masraLosses(
  { retrieved, described, features }: CgDetrTrainingOutputs,
  { priors }: CgDetrTargets,
  {
    codebook = 0,
    commitment = 0.25,
    semanticAlignment: semantic = 0,
    relationAlignment: relation = 0,
  }: CgDetrObjective,
): LossParts {
  const parts: Record<string, Tensor> = {};
  const told = (name: string): PriorTargets => {
    if (priors) return priors;
    throw new OptionError(`cgDetrLosses: objective.${name} is above 0, but targets.priors is missing`);
  };
  if (codebook > 0)
    parts.codebook = scaleShift(codebookLoss(had(retrieved, 'codebook'), commitment), codebook, 0);
  if (semantic > 0) {
    const of = 'semanticAlignment';
    parts[of] = scaleShift(semanticAlignment(had(described, of), told(of)), semantic, 0);
  }
  if (relation > 0) {
    const of = 'relationAlignment';
    parts[of] = scaleShift(relationAlignment(had(features, of), told(of)), relation, 0);
  }
  return parts;
}

/** What a loss needs. @throws OptionError */
function had<T>(output: T | undefined, name: string): T {
  if (output !== undefined) return output;
  throw new OptionError(`cgDetrLosses: objective.${name} is above 0, but the model has no such part`);
}

function weighted(parts: LossParts, weight: number, prefix = ''): LossParts {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [prefix + name, scaleShift(part, weight, 0)]),
  );
}
