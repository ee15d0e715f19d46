import { OptionError } from '../../errors.js';
import { sizeOf } from '../../tensor/shape.js';
import { videoShape } from './clip-encoder.js';
import type { MapDiffusionConfig } from './config.js';
import type { MomentInputs, MomentTargets } from './model.js';

/** One query about one video, as numbers. */
export interface MomentExample {
  /** The video as `videoShape` says for one video, padded with zeros. */
  readonly video: Float32Array;
  /** Clips that are not padding. */
  readonly clips: number;
  /** Seconds a clip. */
  readonly unit: number;
  /** (words, size) row-major; at least one word. */
  readonly words: Float32Array;
  /** The moments that the query asks for, in seconds. Empty where they are not known. */
  readonly spans: readonly (readonly [start: number, end: number])[];
}

/** Examples by number. */
export interface MomentExamples {
  readonly size: number;
  /** L: words of the longest query. */
  readonly words: number;
  /** G: most moments of a query; at least 1. */
  readonly spans: number;
  example(index: number): MomentExample;
}

/**
 * Writes a batch into the operands of a sampler or a training step. Fewer examples than there is room for are followed
 * by repetitions of the last.
 * @throws OptionError where an example has more words or moments than there is room for
 */
export function writeExamples(
  config: MapDiffusionConfig,
  examples: readonly MomentExample[],
  { video, lengths, words }: MomentInputs,
  targets?: MomentTargets,
): void {
  const queries = lengths.size;
  const videoSize = sizeOf(videoShape(config.clips, config.layout.clips, 1));
  const most = words.mask.shape[1]!;
  const rows = Array.from({ length: queries }, (_, i) => examples[Math.min(i, examples.length - 1)]!);
  const videos = new Float32Array(queries * videoSize);
  const vectors = new Float32Array(queries * most * config.words.size);
  const counts = new Uint32Array(queries);
  const mask = new Uint32Array(queries * most);
  rows.forEach((example, i) => {
    const count = example.words.length / config.words.size;
    if (count < 1 || count > most)
      throw new OptionError(`a query of ${count} words where there is room for ${most}`);
    videos.set(example.video, i * videoSize);
    vectors.set(example.words, i * most * config.words.size);
    counts[i] = count;
    mask.fill(1, i * most, i * most + count);
  });
  video.write(videos);
  lengths.write(Uint32Array.from(rows, ({ clips }) => clips));
  words.vectors.write(vectors);
  words.counts.write(counts);
  words.mask.write(mask);
  if (!targets) return;
  const room = targets.spans.shape[1]!;
  const spans = new Float32Array(queries * room * 2);
  rows.forEach((example, i) => {
    if (example.spans.length > room) {
      throw new OptionError(`a query with ${example.spans.length} moments where there is room for ${room}`);
    }
    spans.set(
      example.spans.flatMap(([start, end]) => [start / example.unit, end / example.unit]),
      i * room * 2,
    );
  });
  targets.spans.write(spans);
  targets.spanCounts.write(Uint32Array.from(rows, (example) => example.spans.length));
}
