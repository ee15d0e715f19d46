import {
  callback,
  checkArgument,
  checkFields,
  instanceOf,
  integer,
  listOf,
  objectWith,
  optional,
  positive,
  type Rule,
  someOf,
  spanOf,
} from '../../arguments.js';
import type { HostRandom } from '../../data/host-random.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { sizeOf } from '../../tensor/shape.js';
import { videoShape } from './clip-encoder.js';
import { checkConfig, type MapDiffusionConfig } from './config.js';
import type { MomentInputs, MomentTargets } from './operands.js';
import { inputRules, targetRules } from './operands.js';

/** The kind of a clip of which nothing is known. */
export const unknownClass = 2 ** 32 - 1;

/** A query as numbers. */
export interface EmbeddedQuery {
  /** (words, size) row-major; at least one word. */
  readonly words: Float32Array;
  /** The moments that it asks for, in seconds. Empty where they are not known. */
  readonly spans: readonly (readonly [start: number, end: number])[];
}

/** A window of a video as a model takes it. */
export interface VideoClips {
  /** The video as `videoShape` says for one video, padded with zeros. */
  readonly video: Float32Array;
  /** Clips that are not padding. */
  readonly clips: number;
  /** Seconds a clip. */
  readonly unit: number;
  /** Seconds of the video: only half of its last clip may belong to it. */
  readonly duration: number;
}

/** A video with the queries about it, as numbers. */
export interface MomentExample extends VideoClips {
  /** As many as `MomentExamples.queries` says. */
  readonly queries: readonly EmbeddedQuery[];
  /** The class of action that each clip shows, `unknownClass` where it is not known; for a model with `recognition`. */
  readonly classes?: readonly number[];
}

const floats = instanceOf(Float32Array, 'a Float32Array');

export const exampleRule = objectWith<MomentExample>({
  video: floats,
  clips: integer(1),
  unit: positive,
  duration: positive,
  queries: listOf(objectWith<EmbeddedQuery>({ words: floats, spans: listOf(spanOf()) })),
  classes: optional(listOf(integer(0, unknownClass))),
});

/** Examples by number, which may have to be read first. */
export interface MomentExamples {
  /** Videos. */
  readonly size: number;
  /** Queries of each video. */
  readonly queries: number;
  /** L: words of the longest query. */
  readonly words: number;
  /** G: most moments of a query; at least 1. */
  readonly spans: number;
  /** @param random of training, where an example is varied: a crop of a long video */
  example(index: number, random?: HostRandom): MomentExample | Promise<MomentExample>;
}

export const examplesRule: Rule<MomentExamples> = objectWith<MomentExamples>({
  size: integer(1),
  queries: integer(1),
  words: integer(1),
  spans: integer(1),
  example: callback,
});

/** Operands for `videos` examples at a time, each video with as many queries as the examples have. */
export function makeInputs(
  runtime: Runtime,
  { clips, layout, words }: MapDiffusionConfig,
  videos: number,
  data: Pick<MomentExamples, 'queries' | 'words'>,
): MomentInputs {
  const queries = videos * data.queries;
  const ids = Uint32Array.from({ length: queries }, (_, i) => Math.floor(i / data.queries));
  return runtime.detached(() => ({
    video: runtime.zeros(videoShape(clips, layout.clips, videos)),
    lengths: runtime.tensor(new Uint32Array(videos).fill(layout.clips), undefined, 'u32'),
    words: {
      vectors: runtime.zeros([queries, data.words, words.size]),
      mask: runtime.tensor(new Uint32Array(queries * data.words).fill(1), [queries, data.words], 'u32'),
      counts: runtime.tensor(new Uint32Array(queries).fill(data.words), undefined, 'u32'),
    },
    videoOf: data.queries === 1 ? undefined : runtime.tensor(ids, undefined, 'u32'),
  }));
}

/**
 * Writes a batch into the operands of a sampler or a training step. A batch that is not full is filled up
 * with repetitions of the last example.
 * @throws OptionError where a query has more words or moments than the operands hold, or an argument is not as described
 */
export function writeExamples(
  config: MapDiffusionConfig,
  examples: readonly MomentExample[],
  inputs: MomentInputs,
  targets?: MomentTargets,
): void {
  checkConfig(config);
  checkArgument('writeExamples', 'examples', examples, someOf(exampleRule));
  checkFields('writeExamples', inputs, inputRules, 'operand');
  if (targets !== undefined) checkFields('writeExamples', targets, targetRules, 'operand');
  const { video, lengths, words } = inputs;
  const videos = lengths.size;
  const videoSize = sizeOf(videoShape(config.clips, config.layout.clips, 1));
  const [queries, maxWords] = words.mask.shape as [number, number];
  const pixels = new Float32Array(videos * videoSize);
  const vectors = new Float32Array(queries * maxWords * config.words.size);
  const counts = new Uint32Array(queries);
  const mask = new Uint32Array(queries * maxWords);
  const all = Array.from({ length: videos }, (_, i) => examples[Math.min(i, examples.length - 1)]!);
  all.forEach((example, i) => {
    pixels.set(example.video, i * videoSize);
  });
  const asked = all.flatMap((example) => example.queries.map((query) => ({ ...query, unit: example.unit })));
  asked.forEach((query, i) => {
    const count = query.words.length / config.words.size;
    if (count < 1 || count > maxWords)
      throw new OptionError(`writeExamples: a query has ${count} words, the operands hold 1 to ${maxWords}`);
    vectors.set(query.words, i * maxWords * config.words.size);
    counts[i] = count;
    mask.fill(1, i * maxWords, i * maxWords + count);
  });
  video.write(pixels);
  lengths.write(Uint32Array.from(all, ({ clips }) => clips));
  words.vectors.write(vectors);
  words.counts.write(counts);
  words.mask.write(mask);
  if (!targets) return;
  if (targets.classes) {
    const classes = new Uint32Array(targets.classes.size).fill(unknownClass);
    all.forEach((example, i) => {
      classes.set(example.classes ?? [], i * config.layout.clips);
    });
    targets.classes.write(classes);
  }
  const most = targets.spans.shape[1]!;
  const spans = new Float32Array(queries * most * 2);
  asked.forEach((query, i) => {
    if (query.spans.length > most) {
      throw new OptionError(
        `writeExamples: a query has ${query.spans.length} moments, the operands hold ${most}`,
      );
    }
    spans.set(
      query.spans.flatMap(([start, end]) => [start / query.unit, end / query.unit]),
      i * most * 2,
    );
  });
  targets.spans.write(spans);
  targets.spanCounts.write(Uint32Array.from(asked, (query) => query.spans.length));
}
