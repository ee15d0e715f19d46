import { checkArguments, instanceOf, integer, listOf, someOf, text, uint32 } from '../../../arguments.js';
import { WordVectors } from '../../../data/text/words.js';
import { OptionError } from '../../../errors.js';
import { Owner } from '../../../tensor/owner.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CaptionOrderOperands } from './caption-order.js';
import { type CaptionIds, CaptionWords } from './caption-words.js';
import type { GuidanceOperands } from './guidance.js';
import { keyVectors } from './key-vectors.js';
import type { PriorsUse, SemanticPriors } from './priors.js';

/** What the guidance takes of the videos of a batch, beside their labels. */
export class GuidanceBatch extends Owner {
  /** The words of the captions of all videos. */
  readonly words: CaptionWords;
  readonly operands: Omit<GuidanceOperands, 'labels' | 'order'> & {
    readonly order: Omit<CaptionOrderOperands, 'progress'>;
  };
  readonly #captions: ReadonlyMap<string, CaptionIds>;
  readonly #keys: ReadonlyMap<string, Float32Array>;
  readonly #orders: ReadonlyMap<string, readonly number[]>;

  /**
   * @param videos ids of all videos of the training data
   * @param batch B
   * @throws OptionError where a video has no priors, or a class is named in the priors of none
   */
  constructor(
    runtime: Runtime,
    priors: SemanticPriors,
    { classes, vectors }: PriorsUse,
    videos: readonly string[],
    readonly batch: number,
  ) {
    checkArguments(
      'GuidanceBatch',
      { runtime, priors, classes, vectors, videos, batch },
      {
        runtime: anyRuntime,
        priors: instanceOf(Map, 'a Map'),
        classes: someOf(text),
        vectors: instanceOf(WordVectors, 'a WordVectors'),
        videos: someOf(text),
        batch: integer(1),
      },
    );
    const without = videos.filter((video) => !priors.has(video));
    if (without.length > 0) {
      throw new OptionError(
        `GuidanceBatch: ${without.length} of ${videos.length} videos have no priors, the first is ${without[0]}`,
      );
    }
    const ofVideos = new Map(videos.map((video) => [video, priors.get(video)!]));
    const captions = [...ofVideos].map(([video, { complete }]) => [video, complete] as const);
    const words = new CaptionWords(
      captions.map(([, caption]) => caption),
      vectors,
    );
    const keys = keyVectors(ofVideos, classes, vectors);
    super(runtime);
    this.words = words;
    this.#captions = new Map(captions.map(([video, caption]) => [video, words.numbersOf(caption)]));
    this.#keys = keys;
    this.#orders = new Map(
      [...ofVideos].map(([video, { order = [] }]) => [video, order.map((label) => classes.indexOf(label))]),
    );
    const longestOrder = Math.max(1, ...[...this.#orders.values()].map(({ length }) => length));
    const captionShape = [batch, words.longest];
    this.operands = this.own(() => ({
      keys: runtime.zeros([batch, classes.length, vectors.dimensions]),
      words: runtime.zeros(captionShape, 'u32'),
      present: runtime.zeros(captionShape, 'u32'),
      masked: runtime.zeros(captionShape, 'u32'),
      order: {
        order: runtime.zeros([batch, longestOrder], 'u32'),
        counts: runtime.zeros([batch], 'u32'),
      },
    }));
  }

  /**
   * Writes the operands of a batch.
   * @param videos their ids, B of them
   * @param seed of the run, which with the step decides which words are hidden
   * @throws OptionError
   */
  write(videos: readonly string[], seed: number, step: number): void {
    checkArguments(
      'GuidanceBatch.write',
      { videos, seed, step },
      { videos: listOf(text), seed: uint32, step: uint32 },
    );
    this.checkAlive();
    const { batch, words } = this;
    if (videos.length !== batch) {
      throw new OptionError(`GuidanceBatch.write: videos must be ${batch}, not ${videos.length}`);
    }
    const { keys, order, ...captions } = this.operands;
    const rows = { words: [], present: [], masked: [] } as Record<keyof typeof captions, Uint32Array[]>;
    for (const [item, video] of videos.entries()) {
      const ids = this.#captions.get(video);
      if (!ids)
        throw new OptionError(`GuidanceBatch.write: videos[${item}] is none of the training: ${video}`);
      const hidden = words.hidden(ids, { seed, step, item });
      const row = (values: ArrayLike<number>) =>
        Uint32Array.from({ length: words.longest }, (_, i) => values[i] ?? 0);
      rows.words.push(row(ids));
      rows.present.push(row(ids.map(() => 1)));
      rows.masked.push(row(hidden.map(Number)));
    }
    const orders = videos.map((video) => this.#orders.get(video)!);
    order.counts.write(Uint32Array.from(orders, ({ length }) => length));
    writeRows(
      order.order,
      orders.map((classes) => Uint32Array.from({ length: order.order.shape[1]! }, (_, i) => classes[i] ?? 0)),
    );
    writeRows(
      keys,
      videos.map((video) => this.#keys.get(video)!),
    );
    for (const name of Object.keys(rows) as (keyof typeof rows)[]) writeRows(captions[name], rows[name]);
  }
}

function writeRows(tensor: Tensor, rows: readonly (Float32Array | Uint32Array)[]): void {
  const joined = tensor.dtype === 'u32' ? new Uint32Array(tensor.size) : new Float32Array(tensor.size);
  for (const [i, row] of rows.entries()) joined.set(row, i * row.length);
  tensor.write(joined);
}
