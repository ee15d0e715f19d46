import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type MomentQuery, readMomentQueries } from '../../data/annotations/moment-queries.js';
import { readJson } from '../../data/files/byte-source.js';
import { ensureWritable, writeWhole } from '../../data/files/output-file.js';
import { openRecordings, type Recordings } from '../../data/formats/recordings.js';
import { HostRandom } from '../../data/host-random.js';
import { worldSeed, worldVideo } from '../../data/world/world.js';
import { FileFormatError, OptionError } from '../../errors.js';
import {
  auroc,
  type Calibration,
  calibrate,
  type Falseness,
  falseOf,
  type SentenceOfAction,
} from '../../evaluation/calibration.js';
import type { MomentExamples } from '../../models/map-diffusion/examples.js';
import { type LoadedMapDiffusion, loadMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { RecordingExamples } from '../../models/map-diffusion/recording-examples.js';
import { WorldSentences } from '../../models/map-diffusion/world-examples.js';
import { Runtime } from '../../tensor/runtime.js';
import { whole } from '../options/arguments.js';
import { localizeWithProgress } from '../shared/localize-with-progress.js';
import { askedOf, sentencesOfWorld } from '../shared/sentences-of-actions.js';
import { worldModel } from './demo.js';

interface CalibrateOptions {
  readonly model: string;
  readonly seed: number;
}

/** Sentences with a video, as a model is asked them. */
interface Asked {
  readonly examples: MomentExamples;
  /** Of each query of the examples: undefined where it is true. */
  readonly falseness: readonly (Falseness | undefined)[];
  readonly data: string;
}

/** `tal calibrate`: how high a model scores sentences that are false, for `tal moments` to compare with. */
export function addCalibrate(program: Command): void {
  const command = program
    .command('calibrate')
    .description('Measure how high a model scores false sentences, and keep that in its config.json');
  command
    .command('recordings')
    .description('On recordings, with sentences of the others that are false of them')
    .requiredOption('--model <folder>', 'config.json and model.safetensors')
    .requiredOption('--data <folder>', 'NAME.json, NAME_i16.bin and queries-SPLIT.jsonl')
    .option('--split <name>', 'which queries; not those of the training', 'validation')
    .option('--seed <n>', 'of noise, and of the choice of false sentences', whole(0), 0)
    .action(async (options: CalibrateOptions & { data: string; split: string }) => {
      const recordings = await openRecordings(options.data);
      const path = join(options.data, `queries-${options.split}.jsonl`);
      const queries = await readMomentQueries(path, recordings.byName);
      if (queries.length === 0) throw new FileFormatError(`${path} holds no query`);
      const data = `the split ${options.split} of the recordings ${basename(resolve(options.data))}`;
      await calibrateModel(options, (loaded) => askRecordings(loaded, recordings, queries, data, options));
    });
  command
    .command('world')
    .description('On videos of the built-in world, with sentences of the others that are false of them')
    .option('--model <folder>', 'config.json and model.safetensors', worldModel)
    .option('--videos <n>', 'how many videos of the validation split', whole(2), 100)
    .option('--seed <n>', 'of noise, and of the choice of false sentences', whole(0), 0)
    .action((options: CalibrateOptions & { videos: number }) =>
      calibrateModel(options, (loaded) => askWorld(loaded, options)),
    );
}

/** Scores the sentences, prints what the scores tell, and writes it into the folder. */
async function calibrateModel(
  { model: folder, seed }: CalibrateOptions,
  ask: (loaded: LoadedMapDiffusion) => Asked,
): Promise<void> {
  const path = join(folder, 'config.json');
  await ensureWritable(path);
  const runtime = await Runtime.create();
  try {
    const loaded = await loadMapDiffusion(runtime, folder);
    const { examples, falseness, data } = ask(loaded);
    const found = await localizeWithProgress(loaded, examples, { seed, refine: false });
    const scores = (wanted: (kind: Falseness | undefined) => boolean) =>
      found.flatMap(([best], i) => (best && wanted(falseness[i]) ? [best.score] : []));
    const ofTrue = scores((kind) => kind === undefined);
    const calibration = calibrate(
      { true: ofTrue, false: scores((kind) => kind !== undefined) },
      { steps: loaded.file.steps, data },
    );
    print(calibration);
    const parts = { absent: 'of actions that do not occur', order: 'of actions in another order' };
    for (const [kind, words] of Object.entries(parts)) {
      const own = scores((falseness) => falseness === kind);
      if (own.length > 0) console.log(`${own.length} ${words}: AUROC ${auroc(ofTrue, own).toFixed(3)}`);
    }
    const file = (await readJson(path)) as Record<string, unknown>;
    await writeWhole(path, `${JSON.stringify({ ...file, calibration }, null, 2)}\n`);
    console.log(`calibration written to ${path}`);
  } finally {
    runtime.destroy();
  }
}

function print({ falseQuery95, falseQueries, trueQueries, trueAbove, auroc, data }: Calibration): void {
  console.log(`${trueQueries} true and ${falseQueries} false sentences, ${data}`);
  console.log(`95 % of the false sentences stay below the score ${falseQuery95.toFixed(3)}`);
  console.log(`${(100 * trueAbove).toFixed(1)} % of the true sentences are above it`);
  console.log(`AUROC of true and false sentences: ${auroc.toFixed(3)}`);
}

/** A sentence of the others that is false of a video, drawn at random; undefined where there is none. */
function falseSentence(
  labels: readonly string[],
  sentences: readonly SentenceOfAction[],
  random: HostRandom,
): { readonly query: string; readonly falseness: Falseness } | undefined {
  const candidates = sentences.flatMap((sentence) => {
    const falseness = falseOf(sentence, labels);
    return falseness ? [{ query: sentence.query, falseness }] : [];
  });
  return candidates.length > 0 ? random.choose(candidates) : undefined;
}

/** Each query about its excerpt, and with it one that is false of the same excerpt. */
function askRecordings(
  { model, words }: LoadedMapDiffusion,
  recordings: Recordings,
  queries: readonly MomentQuery[],
  data: string,
  { seed }: CalibrateOptions,
): Asked {
  const random = new HostRandom(seed);
  const known = queries.map((query) => askedOf(query, recordings));
  const sentences = known.flatMap(({ sentence }) => sentence ?? []);
  const asked = queries.flatMap((query, i) => {
    const { labels } = known[i]!;
    const other = falseSentence(labels, sentences, random);
    return [
      { query, falseness: undefined },
      ...(other
        ? [{ query: { ...query, query: other.query, windows: [] }, falseness: other.falseness }]
        : []),
    ];
  });
  return {
    examples: new RecordingExamples(
      model.config,
      recordings,
      asked.map(({ query }) => query),
      words,
    ),
    falseness: asked.map(({ falseness }) => falseness),
    data,
  };
}

/** The sentences of each video, and as many that are false of it. */
function askWorld(
  { model, words }: LoadedMapDiffusion,
  options: CalibrateOptions & { videos: number },
): Asked {
  const { videos: count, seed } = options;
  const random = new HostRandom(seed);
  const videos = Array.from({ length: count }, (_, i) => worldVideo(worldSeed('validation', i)));
  const each = Math.min(...videos.map(({ queries }) => queries.length));
  const labelsOf = videos.map(({ actions }) => actions.map(({ name }) => name));
  const sentences = videos.flatMap(sentencesOfWorld);
  const asked = videos.map(({ queries }, v) => [
    ...queries.slice(0, each).map(({ query }) => ({ query, falseness: undefined })),
    ...Array.from({ length: each }, () => {
      const other = falseSentence(labelsOf[v]!, sentences, random);
      if (!other)
        throw new OptionError(`calibrate: videos must be more than ${count} to have false sentences`);
      return other;
    }),
  ]);
  return {
    examples: new WorldSentences(
      model.config,
      'validation',
      asked.map((own) => own.map(({ query }) => query)),
      words,
    ),
    falseness: asked.flat().map(({ falseness }) => falseness),
    data: `the first ${count} videos of the validation split of the built-in world`,
  };
}
