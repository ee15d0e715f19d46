import { integer, oneOf, optional, type Rules } from '../../arguments.js';
import { HostRandom, mixBits } from '../../data/host-random.js';
import type { VideoDataset, VideoItem, VideoQuery } from '../../datasets/video-dataset.js';
import { FeatureError, OptionError } from '../../errors.js';
import { given } from '../../tensor/given.js';
import type { Runtime } from '../../tensor/runtime.js';
import { shapeText, sizeOf } from '../../tensor/shape.js';
import { beginWith } from '../common/begin-with.js';
import { saveWords } from '../common/save-words.js';
import { augmentationRule, type SignalAugmentation } from '../common/signal-augmentation.js';
import type { PreparedTraining, TrainingInputs } from '../model-spec.js';
import { type Recipe, recipeRule, type TrainingSettings, trainingSettingRules } from '../recipe.js';
import { AskedExamples } from './asked-examples.js';
import type { AskedSentence, AskedWindow } from './asked-windows.js';
import { configRules, type MapDiffusionConfig, mapDiffusionConfigs } from './config.js';
import { featureWarnings } from './feature-warnings.js';
import { labelSentences, sentenceOfLabel } from './label-sentences.js';
import { MapDiffusion } from './model.js';
import { saveMapDiffusion } from './model-folder.js';
import { OpenedMapDiffusion } from './opened.js';
import { checkClasses } from './recognition.js';
import { MomentTask } from './task.js';

export interface MomentTraining extends TrainingSettings {
  /** Queries of each video that share its clips in a step; some twice where it has fewer. Default 1: each query by itself. */
  readonly queries?: number;
  /**
   * What is asked about a video: its `queries` (default), or `labels`, the classes of its segments as sentences, for data
   * sets without queries (ours). A model of labels knows its classes, and finds actions too.
   */
  readonly sentences?: 'queries' | 'labels';
  /** How signals are changed in training (ours); default: they are not. */
  readonly augment?: SignalAugmentation;
}

const momentTrainingRules: Rules<MomentTraining> = {
  ...trainingSettingRules,
  queries: optional(integer(1)),
  sentences: optional(oneOf('queries', 'labels')),
  augment: optional(augmentationRule),
};

export type MomentRecipe = Recipe<MapDiffusionConfig, MomentTraining>;

export const momentRecipeRule = recipeRule(configRules, momentTrainingRules);

/** Ours, for models of a few hours on two cores. */
const small = { learningRate: 1e-3, weightDecay: 0.01, maxNorm: 1, seed: 1 };
/** MS-2D-TAN: Adam at a rate of 1e-4, batches of 32; it ends after at most 100 epochs, we by steps. */
const released = { steps: 20_000, batch: 32, learningRate: 1e-4, weightDecay: 0, seed: 0 };

export const momentRecipes: Readonly<Record<string, MomentRecipe>> = Object.fromEntries(
  Object.entries(mapDiffusionConfigs).map(([name, model]) => {
    const training: Record<string, MomentTraining> = {
      hapt: { steps: 1600, batch: 32, ...small },
      world: { steps: 1500, batch: 16, queries: 2, ...small },
      thumos14: { ...released, sentences: 'labels' },
      'youtube-highlights': { ...released, sentences: 'labels' },
    };
    return [name, { architecture: 'map-diffusion', model, training: training[name] ?? released }];
  }),
);

/** Makes the model and its task from the sentences about a split. @throws OptionError; FeatureError where a weight is too large */
export async function prepareMoments(
  runtime: Runtime,
  recipe: MomentRecipe,
  { data, words, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { model: config, training } = recipe;
  const { batch, seed, split = 'train', queries = 1, sentences = 'queries' } = training;
  checkClasses(config.recognition, data, 'model.recognition');
  const labels = sentences === 'labels' ? { labels: data.classes } : {};
  const asked = askedOf(data.items(split), queries, sentencesOf(training, data));
  if (asked.length === 0) {
    const what = sentences === 'labels' ? 'video' : 'query';
    const has = sentences === 'labels' ? 'labelled segments' : 'a moment to learn from';
    throw new OptionError(
      `train: no ${what} of the split ${split} of ${data.name} has ${has}${advice(data.items(split), sentences)}`,
    );
  }
  const examples = new AskedExamples(config, asked, words.table, {
    queries,
    ...given({ augment: training.augment }),
    ...(config.recognition && { classes: data.classes }),
  });
  const model = new MapDiffusion(runtime, config);
  checkWeights(model);
  const task = new MomentTask(model, examples, batch, seed);
  const file = (wordsFile: string) => ({
    architecture: 'map-diffusion' as const,
    model: config,
    words: wordsFile,
    steps: 1,
    ...labels,
  });
  const warnings = await featureWarnings(config, asked);
  if (examples.unknownWords.length > 0)
    warnings.push(`words without a vector: ${examples.unknownWords.join(', ')}`);
  return {
    task,
    settings: { examples: examples.size },
    opened: new OpenedMapDiffusion({
      file: { ...file(''), training: {} },
      model,
      words: words.table,
    }),
    warnings,
    ...(from !== undefined && {
      begin: () => beginWith(model, from),
    }),
    save: async (folder, trained) =>
      saveMapDiffusion(folder, model, {
        ...file(await saveWords(folder, words, sentencesIn(data), data.name)),
        training: trained,
      }),
  };
}

/**
 * Before anything is allocated: gradients and optimizers bind a weight as a whole, though the forward pass takes large ones
 * in parts.
 * @throws FeatureError that names the largest weight
 */
function checkWeights(model: MapDiffusion): void {
  const { maxStorageBufferBindingSize: limit, maxBufferSize } = model.runtime.traits.limits;
  const [name, shape] = [...model.parameters()]
    .map(([name, { shape }]) => [name, shape] as const)
    .reduce((largest, one) => (sizeOf(one[1]) > sizeOf(largest[1]) ? one : largest));
  const bytes = 4 * sizeOf(shape);
  const most = Math.min(limit, maxBufferSize);
  if (bytes <= most) return;
  model.dispose();
  throw new FeatureError(
    `train: the weight ${name} ${shapeText(shape)} has ${bytes} bytes, this adapter binds ${most} at a time: ` +
      'set a smaller model.decoder.kernel, model.decoder.hidden or model.hidden, or train on another adapter',
  );
}

/** A sentence about an excerpt of a video, in seconds of it. */
type AskedOf = (video: VideoItem) => readonly (AskedSentence & Pick<VideoQuery, 'excerpt'>)[];

function sentencesOf({ sentences, seed }: MomentTraining, { classes }: VideoDataset): AskedOf {
  if (sentences !== 'labels')
    return ({ annotations }) => (annotations.queries ?? []).filter(({ windows }) => windows.length > 0);
  return (video) => {
    const excerpt = [0, video.duration] as const;
    const random = new HostRandom(seed, textStream(video.id));
    return labelSentences(video, classes, random).map((sentence) => ({ ...sentence, excerpt }));
  };
}

/** A stream of random numbers that a text decides. */
const textStream = (text: string): number =>
  [...text].reduce((bits, letter) => mixBits(bits ^ letter.codePointAt(0)!), 0);

/** Each sentence with its video, or each video with all its sentences. */
function askedOf(items: readonly VideoItem[], queries: number, sentencesOf: AskedOf): AskedWindow[] {
  return items.flatMap((video): AskedWindow[] => {
    const known = sentencesOf(video);
    if (queries === 1) return known.map((query) => ({ video, window: query.excerpt, sentences: [query] }));
    const [first] = known;
    if (!first) return [];
    const [start, end] = first.excerpt;
    if (known.every(({ excerpt }) => excerpt[0] === start && excerpt[1] === end)) {
      return [{ video, window: first.excerpt, sentences: known }];
    }
    throw new OptionError(
      `train: training.queries is ${queries}, but the queries of ${video.id} are about different excerpts: it must be 1`,
    );
  });
}

/** The other kind of sentences, where the videos have those. */
function advice(items: readonly VideoItem[], sentences: 'queries' | 'labels'): string {
  if (sentences === 'labels' || !items.some(({ annotations }) => annotations.segments?.length)) return '';
  return '; its videos have labelled segments: training.sentences=labels asks for their classes';
}

/** All sentences that a model of the data set may be asked. */
const sentencesIn = (data: VideoDataset): string[] => [
  ...data.splits.flatMap((split) =>
    data.items(split).flatMap(({ annotations }) => (annotations.queries ?? []).map(({ text }) => text)),
  ),
  ...data.classes.map(sentenceOfLabel),
];
