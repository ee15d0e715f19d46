import type { HostRandom } from '../../../data/host-random.js';
import type { WordVectors } from '../../../data/text/words.js';
import type { DescribedSpan, Priors, VideoPriors } from '../../../datasets/priors/priors.js';
import { OptionError } from '../../../errors.js';
import type { Segment } from '../../../time/segment.js';

/** Events that an example has at most; of more some are drawn. */
export const mostEvents = 8;

/** What priors tell of a window of a video. */
export interface WindowPriors {
  /** For each event, at most `mostEvents`, its embedding and the clips that it covers, the first and the one after the last. */
  readonly events: readonly { readonly embedding: Float32Array; readonly clips: readonly [number, number] }[];
  /** For each clip the embedding of its caption, where it has one. */
  readonly captions: readonly (Float32Array | undefined)[];
}

/** Clips of a window: where they are, how many, and the seconds of each. */
export interface WindowClips {
  /** In seconds of the video. */
  readonly window: Segment;
  readonly clips: number;
  readonly unit: number;
}

/**
 * Reads what priors tell of windows. The embedding of a text is what the priors bring, or else the mean of the vectors of its words
 * (GloVe).
 */
export class PriorReader {
  /** P: numbers of an embedding. */
  readonly channels: number;
  readonly #means = new Map<string, Float32Array>();

  constructor(
    readonly priors: Priors,
    readonly table: WordVectors,
  ) {
    this.channels = priors.channels ?? table.dimensions;
  }

  /**
   * Makes sure that texts of these videos can be embedded.
   * @throws OptionError where no video is told of, or a text has no word that the table knows
   */
  check(ids: readonly string[]): void {
    const told = ids.flatMap((id) => this.priors.of(id) ?? []);
    if (told.length === 0)
      throw new OptionError(`train: ${this.priors.name} tells of none of the videos that are trained on`);
    for (const { embeddings, events, captions } of told) {
      if (!embeddings) for (const { text } of [...events, ...captions]) this.#meanOf(text);
    }
  }

  /** @throws FileAccessError, FileFormatError */
  async read(id: string, seen: WindowClips, random: HostRandom): Promise<WindowPriors> {
    const told = this.priors.of(id);
    if (!told) return { events: [], captions: [] };
    const embedded = await this.#embedded(told);
    const covered = told.events.flatMap((event, i) => {
      const clips = clipsOf(event, seen);
      return clips ? [{ embedding: embedded.events(i), clips }] : [];
    });
    const captions = Array.from({ length: seen.clips }, (_, clip) => {
      const seconds = seen.window[0] + (clip + 0.5) * seen.unit;
      const i = told.captions.findIndex(({ segment: [start, end] }) => start <= seconds && seconds < end);
      return i < 0 ? undefined : embedded.captions(i);
    });
    const order = covered.length > mostEvents ? [...random.permutation(covered.length)] : [...covered.keys()];
    return { events: order.slice(0, mostEvents).map((i) => covered[i]!), captions };
  }

  async #embedded(told: VideoPriors) {
    if (!told.embeddings) {
      return {
        events: (i: number) => this.#meanOf(told.events[i]!.text),
        captions: (i: number) => this.#meanOf(told.captions[i]!.text),
      };
    }
    const { events, captions } = await told.embeddings();
    const row = (of: Float32Array) => (i: number) => of.subarray(i * this.channels, (i + 1) * this.channels);
    return { events: row(events), captions: row(captions) };
  }

  /** The mean vector of the words of a text that the table knows. @throws OptionError where it knows none */
  #meanOf(text: string): Float32Array {
    const known = this.#means.get(text);
    if (known) return known;
    const { words, unknown, vectors } = this.table.embed(text);
    const { dimensions } = this.table;
    const count = words.filter((word) => !unknown.includes(word)).length;
    if (count === 0)
      throw new OptionError(`train: ${this.priors.name}: no word of ${JSON.stringify(text)} has a vector`);
    // Unknown words are zeros.
    const mean = Float32Array.from({ length: dimensions }, (_, channel) => {
      let sum = 0;
      for (let i = 0; i < words.length; i++) sum += vectors[i * dimensions + channel]!;
      return sum / count;
    });
    this.#means.set(text, mean);
    return mean;
  }
}

/** The clips whose middle an event covers; of a short event the clip that its own middle is in. Undefined outside of the window. */
function clipsOf(
  { segment: [start, end] }: DescribedSpan,
  { window, clips, unit }: WindowClips,
): readonly [number, number] | undefined {
  const place = (seconds: number) => (seconds - window[0]) / unit;
  const first = Math.max(0, Math.ceil(place(start) - 0.5));
  const last = Math.min(clips, Math.ceil(place(end) - 0.5));
  if (first < last) return [first, last];
  const middle = Math.floor(place((start + end) / 2));
  return middle >= 0 && middle < clips && place(end) - place(start) < 1 ? [middle, middle + 1] : undefined;
}
