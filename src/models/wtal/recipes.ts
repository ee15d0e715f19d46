import { type ActionDiffConfig, actionDiffConfigs } from './actiondiff/config.js';
import type { BaseRecipe } from './bases/make-base.js';
import type { GuidanceConfig } from './mllm4wtal/config.js';
import { type WtalObjective, wtalObjectives } from './objective.js';
import { CO2NET_PROPOSALS, type ProposalOptions } from './proposals.js';
import type { SnippetsConfig } from './snippets.js';
import type { WtalRecipe, WtalTraining } from './training.js';
import type { VideoScoreConfig } from './video-scores.js';
import type { WtalConfig } from './wtal-config.js';

/** RGB and optical flow of I3D, as CO2-Net distributes its features. */
const i3d: SnippetsConfig = { kind: 'features', channels: 2048 };

/** A snippet of .4 s of an accelerometer and a gyroscope (ours), each seen by itself. */
const sensors: SnippetsConfig = {
  kind: 'signal',
  modalities: [3, 3],
  rate: 50,
  stages: [
    { channels: 32, kernel: 9, stride: 5 },
    { channels: 64, kernel: 8, stride: 4 },
  ],
  context: [1, 2],
  width: 64,
};

/** The same, both seen together: for bases that do not compare them. */
const joinedSensors: SnippetsConfig = { ...sensors, modalities: [6] };

const published: BaseRecipe = { kind: 'co2net', width: 2048, attentionWidth: 512 };
/** The average over 13 snippets, of 60 (dossier, section 2.4). */
const publishedActivitynet: BaseRecipe = { ...published, pool: 13 };
/** Ours. Less dropout in the attention helps small data sets. */
const narrow: BaseRecipe = { kind: 'co2net', width: 256, attentionWidth: 128, attentionDropout: 0.2 };
/** See `LocalBase`: CO2-Net's filter finds less in recordings. */
const local: BaseRecipe = { kind: 'local', width: 64 };
const ofSensors: BaseRecipe = {
  ...{ kind: 'co2net', width: 128, attentionWidth: 64 },
  ...{ attentionDropout: 0.2, dropout: 0.5 },
};

const weightedLogits: VideoScoreConfig = { kind: 'weighted-logits', ratio: 10 };

const deluProposals: ProposalOptions = {
  ...CO2NET_PROPOSALS,
  thresholds: Array.from({ length: 20 }, (_, i) => 0.1 + (0.8 * i) / 19),
};

/** Thresholds between the lowest and the highest attention of a video, and longer segments first (ours). */
const relativeProposals: ProposalOptions = {
  ...CO2NET_PROPOSALS,
  ...{ normalize: true, scoredOn: 'activation', lengthWeight: 0.5 },
};

/** Runs of the probability of a class (ours, for bags that show several classes). */
const classProposals: ProposalOptions = {
  ...CO2NET_PROPOSALS,
  ...{ classThreshold: 0.25, activation: 'class', scoredOn: 'activation', lengthWeight: 0.5 },
};

/** CO2-Net: Adam with 5e-5, batches of 3 pairs and 4 others. */
const training: Omit<WtalTraining, 'objective'> = {
  ...{ steps: 5000, batch: 10, learningRate: 5e-5, weightDecay: 1e-3, seed: 3552 },
};
const activitynetTraining = { ...training, steps: 22_000, learningRate: 3e-5, weightDecay: 5e-4 };
/** Ours, of minutes on two cores. */
const short = { ...training, steps: 1000, learningRate: 5e-4, seed: 1 };
const ofRecordings = { ...training, steps: 1000, batch: 16, learningRate: 1e-3, weightDecay: 1e-2, seed: 1 };

/** What the recipes for a data set have in common. */
type Setting = Pick<WtalConfig, 'snippets' | 'steps' | 'base' | 'videoScore'> & {
  readonly training: Omit<WtalTraining, 'objective'>;
};

/** Features of any data set. */
const anyFeatures: Setting = {
  ...{ snippets: i3d, steps: 100, base: narrow, videoScore: weightedLogits },
  training: short,
};
const thumos14: Setting = {
  ...{ snippets: i3d, steps: 320, base: published, videoScore: weightedLogits, training },
};
const activitynet: Setting = {
  ...thumos14,
  steps: 60,
  base: publishedActivitynet,
  training: activitynetTraining,
};
const hapt: Setting = {
  ...{ snippets: sensors, steps: 150, base: ofSensors, training: ofRecordings },
  videoScore: { kind: 'probabilities', ratio: 10 },
};

function recipe(
  { training, ...model }: Setting,
  objective: WtalObjective,
  proposals: ProposalOptions,
): WtalRecipe {
  return { architecture: 'wtal', model: { ...model, proposals }, training: { ...training, objective } };
}

/** Binary MIL without the attention. */
const localObjective: WtalObjective = {
  ...wtalObjectives.binary,
  binaryMil: { ...wtalObjectives.binary.binaryMil, attended: false },
};

const { evidence, curriculum } = wtalObjectives['delu-thumos14'];

/** The bases by themselves. CO2-Net is trained with T = 500 on THUMOS-14, DELU with 320. */
const bases: Readonly<Record<string, WtalRecipe>> = {
  co2net: recipe(anyFeatures, wtalObjectives['co2net-thumos14'], relativeProposals),
  delu: recipe(anyFeatures, wtalObjectives['delu-thumos14'], relativeProposals),
  'co2net-thumos14': recipe({ ...thumos14, steps: 500 }, wtalObjectives['co2net-thumos14'], CO2NET_PROPOSALS),
  'delu-thumos14': recipe(thumos14, wtalObjectives['delu-thumos14'], deluProposals),
  'co2net-activitynet': recipe(activitynet, wtalObjectives['co2net-activitynet'], CO2NET_PROPOSALS),
  'delu-activitynet': recipe(activitynet, wtalObjectives['delu-activitynet'], deluProposals),
  'local-hapt': recipe({ ...hapt, snippets: joinedSensors, base: local }, localObjective, classProposals),
  'co2net-hapt': recipe(hapt, wtalObjectives.binary, classProposals),
  'delu-hapt': recipe(hapt, { ...wtalObjectives.binary, evidence, curriculum }, classProposals),
};

/** Guidance at the sizes of Boosting-WTAL, whose reconstruction it has. */
const publishedGuidance: GuidanceConfig = {
  ksm: { width: 2048 },
  csr: { width: 512, heads: 4, layers: 3, intermediate: 1024, attention: { width: 512, code: 512 } },
};
/** Ours. */
const narrowGuidance: GuidanceConfig = {
  ksm: { width: 128, dropout: 0.5 },
  csr: {
    width: 64,
    heads: 4,
    layers: 2,
    intermediate: 128,
    attention: { width: 64, code: 64, dropout: 0.2 },
  },
};

/** Ours: small, as the snippets of recordings are, and with the order of the captions. */
const recordingsGuidance: GuidanceConfig = {
  ksm: { width: 64, dropout: 0.5 },
  csr: {
    ...{ width: 32, heads: 2, layers: 1, intermediate: 64 },
    attention: { width: 32, code: 32, dropout: 0.2 },
  },
  order: { weight: 1 },
};

/** MLLM4WTAL on a base. Priors that stand in for a language model's are built in for the classes that we have phrases for. */
function guided(base: string, guidance: GuidanceConfig, priors: string): WtalRecipe {
  const { training, ...rest } = bases[base]!;
  return { ...rest, training: { ...training, guidance, priors } };
}

/** ActionDiff on a base. */
function diffused(base: string, diffusion: ActionDiffConfig = actionDiffConfigs.family): WtalRecipe {
  const { model, ...rest } = bases[base]!;
  return { ...rest, model: { ...model, diffusion } };
}

/** What can be trained. `mllm4wtal` and `actiondiff` are on CO2-Net, of recordings on the local base; another base is set by `model.base` and `training.objective`. */
export const wtalRecipes: Readonly<Record<string, WtalRecipe>> = {
  ...bases,
  mllm4wtal: guided('co2net', narrowGuidance, 'classes'),
  'mllm4wtal-thumos14': guided('co2net-thumos14', publishedGuidance, 'priors.json'),
  'mllm4wtal-activitynet': guided('co2net-activitynet', publishedGuidance, 'priors.json'),
  'mllm4wtal-hapt': guided('local-hapt', recordingsGuidance, 'ordered'),
  actiondiff: diffused('co2net'),
  'actiondiff-thumos14': diffused('co2net-thumos14'),
  'actiondiff-activitynet': diffused('co2net-activitynet'),
  'actiondiff-hapt': diffused('local-hapt'),
};
