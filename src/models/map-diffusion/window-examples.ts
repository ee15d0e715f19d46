import type { WordVectors } from '../../data/text/words.js';
import { OptionError } from '../../errors.js';
import type { Ask } from '../localization-model.js';
import { clipReader } from './clip-reader.js';
import type { MapDiffusionConfig } from './config.js';
import type { MomentExample, ReadExamples } from './examples.js';

/** Windows of videos with the sentences that are asked about them; where these are true is not known. */
export class WindowExamples implements ReadExamples {
  readonly size: number;
  readonly queries = 1;
  readonly words: number;
  readonly spans = 1;
  /** Words of the sentences that the table lacks; their vectors are zeros. */
  readonly unknownWords: readonly string[];
  readonly #vectors: readonly Float32Array[];
  readonly #reader;

  /** @throws OptionError where a sentence has no word that the table has */
  constructor(
    config: MapDiffusionConfig,
    readonly asked: readonly Ask[],
    table: WordVectors,
  ) {
    // Windows of a long video, and questions about one, often have the same sentence.
    const sentences = new Map(asked.map(({ query = '' }) => [query, table.embed(query)]));
    for (const [query, { words, unknown }] of sentences) {
      if (words.every((word) => unknown.includes(word))) {
        throw new OptionError(`localize: the model knows no word of query ${JSON.stringify(query)}`);
      }
    }
    this.size = asked.length;
    this.#vectors = asked.map(({ query = '' }) => sentences.get(query)!.vectors);
    this.words = Math.max(...[...sentences.values()].map(({ words }) => words.length));
    this.unknownWords = [...new Set([...sentences.values()].flatMap(({ unknown }) => unknown))].sort();
    this.#reader = clipReader(config);
  }

  async example(index: number): Promise<MomentExample> {
    const { video, window } = this.asked[index]!;
    const seen = await this.#reader.read(video, window);
    return { ...seen, queries: [{ words: this.#vectors[index]!, spans: [] }] };
  }
}
