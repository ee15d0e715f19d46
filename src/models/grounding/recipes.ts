import { cgDetrObjectives } from './cg-detr/objective.js';
import { groundingConfigs } from './config.js';
import type { GroundingRecipe, GroundingTraining } from './training.js';

/** Steps of 200 epochs of QVHighlights; the rate falls along a cosine (ours: CG-DETR keeps it). */
const qvhighlights: Omit<GroundingTraining, 'objective'> = {
  ...{ steps: 45_000, batch: 32, learningRate: 1e-4, weightDecay: 1e-4, maxNorm: 0.1, seed: 2018 },
};
/** 200 epochs of Charades-STA or TACoS. */
const moments: Omit<GroundingTraining, 'objective'> = { ...qvhighlights, steps: 77_500, learningRate: 2e-4 };
/** All domains in one model (ours: CG-DETR has one for each). */
const highlights: Omit<GroundingTraining, 'objective'> = { ...qvhighlights, steps: 2000, batch: 4 };

const { 'cg-detr': all, highlights: ofHighlights, masra } = cgDetrObjectives;
const moreSaliency = { ...all, saliency: 4 };

const tvsum: GroundingTraining = {
  ...{ ...highlights, learningRate: 1e-3, objective: ofHighlights, scores: [1, 5] },
};
// A clip that is no highlight has rank 0, whether or not it was called bad.
const youtube: GroundingTraining = {
  ...{ ...highlights, learningRate: 2e-4, scores: [0, 1] },
  objective: { ...ofHighlights, saliency: 4, negatives: 0 },
};
const hapt: Omit<GroundingTraining, 'objective'> = {
  ...{ steps: 3000, batch: 32, learningRate: 1e-3, weightDecay: 1e-2, maxNorm: 1, seed: 1 },
};

const trainings: Readonly<Record<keyof typeof groundingConfigs, GroundingTraining>> = {
  'cg-detr': { ...qvhighlights, objective: all },
  'qd-detr': { ...qvhighlights, objective: cgDetrObjectives['qd-detr'] },
  'moment-detr': { ...qvhighlights, objective: cgDetrObjectives['moment-detr'] },
  'cg-detr-charades-sta': { ...moments, objective: moreSaliency },
  'cg-detr-charades-sta-vgg': { ...moments, batch: 16, steps: 155_000, objective: moreSaliency },
  'cg-detr-tacos': { ...moments, steps: 61_000, objective: moreSaliency },
  'cg-detr-tvsum': tvsum,
  'cg-detr-youtube-highlights': youtube,
  'cg-detr-hapt': { ...hapt, objective: all },
  masra: { ...qvhighlights, objective: masra },
  'masra-charades-sta': { ...moments, objective: { ...masra, saliency: 4 } },
  // Its maps of 400 x 400 relations: fewer videos at a time (ours).
  'masra-tacos': { ...moments, steps: 61_000, batch: 8, accumulate: 4, objective: { ...masra, saliency: 4 } },
  'masra-tvsum': { ...tvsum, objective: { ...ofHighlights, codebook: masra.codebook } },
  'masra-youtube-highlights': {
    ...youtube,
    objective: { ...youtube.objective, codebook: masra.codebook },
  },
  'masra-hapt': { ...hapt, objective: masra, priors: 'true', restart: { every: 100, below: 0.1 } },
};

/** What can be trained: CG-DETR and MASRA by data set, QD-DETR and Moment-DETR on QVHighlights. */
export const groundingRecipes: Readonly<Record<string, GroundingRecipe>> = Object.fromEntries(
  Object.entries(groundingConfigs).map(([name, model]) => [
    name,
    { architecture: 'cg-detr', model, training: trainings[name as keyof typeof groundingConfigs] },
  ]),
);
