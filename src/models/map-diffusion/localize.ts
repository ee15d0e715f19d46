import { type Abortable, abortRules } from '../../abort.js';
import {
  callback,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  numberIn,
  optional,
  type Rules,
} from '../../arguments.js';
import { Random } from '../../ops/random/random.js';
import { given } from '../../tensor/given.js';
import type { ScoredSegment } from '../../time/segment.js';
import type { MomentExample, MomentExamples } from './examples.js';
import { examplesRule, writeExamples } from './examples.js';
import { MapDiffusion } from './model.js';
import { type RankingOptions, rankingRules, rankMoments } from './ranking.js';
import { MomentSampler } from './sampler.js';

export interface LocalizeMomentsOptions extends Omit<RankingOptions, 'durations'>, Abortable {
  /** DDIM steps; default 50. */
  readonly steps?: number;
  readonly eta?: number;
  /** Queries at a time; default 16. */
  readonly batch?: number;
  /** Of the noise that the maps begin as; default 0. */
  readonly seed?: number;
  /** Called after each batch with the number of queries done. */
  readonly onProgress?: (done: number) => void;
}

// The durations are those of the examples.
const { durations: _, ...ranking } = rankingRules;

export const localizeRules: Rules<LocalizeMomentsOptions> = {
  ...ranking,
  steps: optional(integer(1)),
  eta: optional(numberIn(0, 1)),
  batch: optional(integer(1)),
  seed: optional(integer(0)),
  onProgress: optional(callback),
  ...abortRules,
};

/**
 * The ranked moments of every query of every example, best first, in seconds: sampled, merged, suppressed, and decoded
 * between the cells. Queries of one video stand together.
 * @throws OptionError
 */
export async function localizeMoments(
  model: MapDiffusion,
  data: MomentExamples,
  options: LocalizeMomentsOptions = {},
): Promise<ScoredSegment[][]> {
  checkArguments(
    'localizeMoments',
    { model, data },
    { model: instanceOf(MapDiffusion, 'a MapDiffusion'), data: examplesRule },
  );
  checkFields('localizeMoments', options, localizeRules);
  const { steps = 50, eta = 0, batch = 16, seed = 0, onProgress, signal, ...ranking } = options;
  signal?.throwIfAborted();
  const { runtime, config } = model;
  const { queries, words } = data;
  const videos = Math.min(Math.ceil(batch / queries), data.size);
  using random = new Random(runtime, seed);
  using sampler = await MomentSampler.create(model, {
    ...{ videos, queries, words, steps, eta, random },
    ...given({ signal }),
  });
  using noise = runtime.detached(() => runtime.empty(sampler.mapShape));
  const found: ScoredSegment[][] = [];
  for (let first = 0; first < data.size; first += videos) {
    const count = Math.min(videos, data.size - first);
    const examples: MomentExample[] = [];
    for (let i = 0; i < count; i++) examples.push(await data.example(first + i));
    writeExamples(config, examples, sampler.inputs);
    runtime.scope(() => noise.assign(random.normal(sampler.mapShape)));
    const maps = sampler.run(noise);
    const ofQueries = Array.from(
      { length: videos * queries },
      (_, i) => examples[Math.min(Math.floor(i / queries), count - 1)]!,
    );
    using lengths = runtime.detached(() =>
      runtime.tensor(
        Uint32Array.from(ofQueries, ({ clips }) => clips),
        undefined,
        'u32',
      ),
    );
    const units = ofQueries.map(({ unit }) => unit);
    const durations = ofQueries.map(({ duration }) => duration);
    const ranked = await rankMoments(maps, lengths, config.layout, units, { ...ranking, durations });
    found.push(...ranked.slice(0, count * queries));
    onProgress?.(found.length);
    signal?.throwIfAborted();
  }
  return found;
}
