import { writeNpy } from '../../src/data/formats/npy.js';
import { HostRandom } from '../../src/data/host-random.js';
import type { ClipFeatures, VideoDataset, VideoItem } from '../../src/datasets/video-dataset.js';
import type { PreparedTraining, TrainingWords } from '../../src/models/model-spec.js';
import { actionDiffConfigs } from '../../src/models/wtal/actiondiff/config.js';
import type { GuidanceConfig } from '../../src/models/wtal/mllm4wtal/config.js';
import { wtalRecipes } from '../../src/models/wtal/recipes.js';
import { wtalSpec } from '../../src/models/wtal/spec.js';
import type { WtalRecipe } from '../../src/models/wtal/training.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import type { TrainingOptions } from '../../src/training/training-options.js';
import type { Content } from './dataset-folder.js';

/** Classes that there are phrases for. */
export const videoClasses: readonly string[] = ['dog', 'skating', 'surfing'];

/** A video of 40 rows of a second; in 15 of them, channels of its class are high in both halves. */
export function madeVideo(id: string, seed: number, classes = videoClasses): VideoItem {
  const random = new HostRandom(seed);
  const label = random.integer(0, 2);
  const start = random.integer(5, 14);
  const [steps, channels] = [40, 16];
  const data = Float32Array.from({ length: steps * channels }, (_, i) => {
    const [step, channel] = [Math.floor(i / channels), i % channels];
    const shown = step >= start && step < start + 15 && channel % 8 === label;
    return random.uniform(0, 0.3) + Number(shown);
  });
  return {
    id,
    duration: 40,
    annotations: { segments: [{ label: classes[label]!, segment: [start, start + 15] }] },
    features: async (): Promise<ClipFeatures> => ({ steps, channels, data, stride: 1, window: 1 }),
  };
}

export const madeDataset = (
  items: Readonly<Record<string, readonly VideoItem[]>>,
  classes = videoClasses,
): VideoDataset => ({
  ...{ name: 'made', classes, splits: Object.keys(items) },
  items: (split) => items[split]!,
  close: async () => {},
});

/** 24 videos to train on and 12 others. */
export const madeVideos = (classes = videoClasses): VideoDataset =>
  madeDataset(
    {
      train: Array.from({ length: 24 }, (_, i) => madeVideo(`t${i}`, i, classes)),
      validation: Array.from({ length: 12 }, (_, i) => madeVideo(`v${i}`, 100 + i, classes)),
    },
    classes,
  );

/** The files of those videos as a folder: this package's annotations, with features. */
export async function videoFiles(data = madeVideos()): Promise<Record<string, Content>> {
  const files: Record<string, Content> = {};
  const videos: object[] = [];
  for (const split of data.splits) {
    for (const { id, duration, annotations, features } of data.items(split)) {
      videos.push({ id, split, duration, segments: annotations.segments });
      const { data: values, steps, channels } = await features!();
      files[`features/${id}.npy`] = writeNpy(values, [steps, channels]);
    }
  }
  files['annotations.json'] = { classes: data.classes, videos };
  files['dataset.json'] = {
    annotations: { layout: 'tal', files: 'annotations.json' },
    features: { parts: [{ file: 'features/{id}.npy' }], timing: { strideSeconds: 1 } },
  };
  return files;
}

/** A recipe at the size of those videos. */
function small(name: string, steps: number): WtalRecipe {
  const { model, training, ...rest } = wtalRecipes[name]!;
  return {
    ...rest,
    model: {
      ...model,
      snippets: { kind: 'features', channels: 16 },
      steps: 30,
      base: { kind: 'co2net', width: 16, attentionWidth: 8, attentionDropout: 0.2, dropout: 0.3 },
    },
    training: { ...training, steps },
  };
}

const guidance: GuidanceConfig = {
  ksm: { width: 8 },
  csr: { width: 8, heads: 2, layers: 1, intermediate: 16, attention: { width: 8, code: 8 } },
};

const decoder = { maps: 8, layers: 2, kernel: 3, timeEmbedding: 8, dropout: 0.1 };

/** DELU, MLLM4WTAL on CO2-Net with both modules, and ActionDiff on it in both modes. */
export const smallRecipes = {
  delu: small('delu', 80),
  mllm4wtal: guided(small('mllm4wtal', 12)),
  // After 20 steps every video has a mask.
  'actiondiff-family': diffused(small('actiondiff', 40), 'family'),
  'actiondiff-latent': diffused(small('actiondiff', 12), 'latent'),
} satisfies Readonly<Record<string, WtalRecipe>>;

function guided(recipe: WtalRecipe): WtalRecipe {
  return { ...recipe, training: { ...recipe.training, guidance } };
}

function diffused(recipe: WtalRecipe, mode: keyof typeof actionDiffConfigs): WtalRecipe {
  return { ...recipe, model: { ...recipe.model, diffusion: { ...actionDiffConfigs[mode], decoder } } };
}

/** Trains a recipe on the videos, and writes the model into the folder of the run. */
export async function fitWtal(
  runtime: Runtime,
  recipe: WtalRecipe,
  words: TrainingWords,
  options: Pick<TrainingOptions, 'folder'> & Partial<TrainingOptions>,
): Promise<PreparedTraining> {
  const prepared = await wtalSpec.prepare(runtime, recipe, { data: madeVideos(), words });
  const { steps, seed } = recipe.training;
  await train(prepared.task, {
    ...{ steps, seed, settings: 'test', learningRate: constantLearningRate(3e-3) },
    optimizer: { kind: 'adamw', weightDecay: 1e-3 },
    ...(prepared.groups && { groups: prepared.groups }),
    ...options,
  });
  await prepared.save(options.folder, {});
  return prepared;
}
