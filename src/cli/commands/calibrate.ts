import { join } from 'node:path';
import type { Command } from 'commander';
import { readJson } from '../../data/files/byte-source.js';
import { ensureWritable, writeWhole } from '../../data/files/output-file.js';
import { HostRandom } from '../../data/host-random.js';
import type { VideoDataset, VideoItem, VideoQuery } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import {
  auroc,
  type Calibration,
  calibrate,
  type Falseness,
  falseOf,
  type SentenceOfAction,
} from '../../evaluation/calibration.js';
import { architectureOf } from '../../models/common/architecture.js';
import { openModel } from '../../models/open-model.js';
import { whole } from '../options/arguments.js';
import { datasetOf } from '../shared/datasets.js';
import { askedOf } from '../shared/sentences-of-actions.js';
import { Progress } from '../views/progress.js';
import { worldModel } from './demo.js';

interface CalibrateOptions {
  readonly model: string;
  readonly data: string;
  readonly split: string;
  readonly seed: number;
}

/** `tal calibrate`: how high a model scores sentences that are false, for `tal localize` to compare with. */
export function addCalibrate(program: Command): void {
  program
    .command('calibrate')
    .description(
      'Measure how high a map-diffusion model scores false sentences, and keep that in its config.json',
    )
    .option('--model <folder>', 'config.json and model.safetensors', worldModel)
    .requiredOption(
      '--data <dataset>',
      'a folder with queries and labelled segments, or world, the built-in one',
    )
    .option('--split <name>', 'not that of the training', 'validation')
    .option('--seed <n>', 'of noise, and of the choice of false sentences', whole(0), 0)
    .action(calibrateModel);
}

/** Scores the sentences, prints what the scores tell, and writes it into the folder. */
async function calibrateModel({ model: folder, data: name, split, seed }: CalibrateOptions): Promise<void> {
  const path = join(folder, 'config.json');
  await ensureWritable(path);
  const file = (await readJson(path)) as { readonly steps: number };
  const architecture = architectureOf(file, path);
  if (architecture !== 'map-diffusion') {
    throw new OptionError(`calibrate: a ${architecture} model has no scores of sentences; map-diffusion has`);
  }
  const data = await datasetOf(name);
  const { asked, falseness } = withFalseSentences(data, split, seed);
  const model = await openModel(folder);
  const progress = new Progress(falseness.size, 'queries');
  try {
    const { moments } = await model.predict(asked, split, {
      options: { seed, refine: false, count: 1 },
      onProgress: (done) => progress.update(done),
    });
    progress.stop();
    const scores = (wanted: (kind: Falseness | undefined) => boolean) =>
      [...falseness].flatMap(([id, kind]) => {
        const [best] = moments!.get(id)!;
        return best && wanted(kind) ? [best.score] : [];
      });
    const ofTrue = scores((kind) => kind === undefined);
    const calibration = calibrate(
      { true: ofTrue, false: scores((kind) => kind !== undefined) },
      { steps: file.steps, data: `the split ${split} of ${data.name}` },
    );
    print(calibration);
    const parts = { absent: 'of actions that do not occur', order: 'of actions in another order' };
    for (const [kind, words] of Object.entries(parts)) {
      const own = scores((falseness) => falseness === kind);
      if (own.length > 0) console.log(`${own.length} ${words}: AUROC ${auroc(ofTrue, own).toFixed(3)}`);
    }
    await writeWhole(path, `${JSON.stringify({ ...file, calibration }, null, 2)}\n`);
    console.log(`calibration written to ${path}`);
  } finally {
    progress.stop();
    model.dispose();
    await data.close();
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

/** A data set whose queries are asked as they are, and each with one that is false of the same excerpt. */
function withFalseSentences(
  data: VideoDataset,
  split: string,
  seed: number,
): { readonly asked: VideoDataset; readonly falseness: ReadonlyMap<number, Falseness | undefined> } {
  const random = new HostRandom(seed);
  const known = data.items(split).map((video) => ({
    video,
    queries: (video.annotations.queries ?? []).map((query) => ({ query, ...askedOf(video, query) })),
  }));
  const sentences = known.flatMap(({ queries }) => queries.flatMap(({ sentence }) => sentence ?? []));
  if (sentences.length === 0) {
    throw new OptionError(
      `calibrate: the split ${split} of ${data.name} has no queries about labelled segments, of which false ones could be made`,
    );
  }
  const falseness = new Map<number, Falseness | undefined>();
  const add = (query: VideoQuery, kind?: Falseness): VideoQuery => {
    const id = falseness.size;
    falseness.set(id, kind);
    return { ...query, id };
  };
  const items = known.map(({ video, queries }): VideoItem => {
    const asked = queries.flatMap(({ query, labels }) => {
      const other = falseSentence(labels, sentences, random);
      const own = add(query);
      return other ? [own, add({ ...query, text: other.query, windows: [] }, other.falseness)] : [own];
    });
    return { ...video, annotations: { queries: asked } };
  });
  return { asked: { ...data, items: () => items }, falseness };
}
