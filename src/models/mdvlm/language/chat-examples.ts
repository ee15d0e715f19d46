import type { WantedAnswer } from '../objective/answer-objective.js';
import { type ChatMessage, type ChatOptions, encodeChat, IGNORED_LABEL } from './chat.js';
import type { Tokenizer } from './tokenizer.js';

/** A conversation to learn from. */
export interface ChatExample {
  /** The whole of it; an id beyond the vocabulary, such as `VISUAL_ID`, where visual tokens stand. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** The positions that are learned, in order. */
  readonly places: readonly number[];
  /** What stands there. */
  readonly answer: WantedAnswer;
}

/**
 * Encodes a conversation for training.
 * @throws OptionError, FileFormatError as `encodeChat`
 */
export function chatExample(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options?: ChatOptions,
): ChatExample {
  const { ids, labels } = encodeChat(tokenizer, messages, options);
  const places = [...labels.keys()].filter((place) => labels[place] !== IGNORED_LABEL);
  const targets = places.map((place) => labels[place]!);
  const { pairs, single } = timePairs(tokenizer, targets);
  return {
    // As bits: ids below 0 are beyond any vocabulary.
    ids: new Uint32Array(ids.buffer),
    places,
    answer: {
      ids: targets,
      layout: { length: targets.length, spans: [...pairs, ...single.map((i) => [i, i] as const)] },
      spans: pairs.map((positions) => {
        const [a, b] = positions.map((i) => tokenizer.times.indexOf(targets[i]!)!) as [number, number];
        return { positions, truth: [Math.min(a, b), Math.max(a, b)] };
      }),
    },
  };
}

/** The spans of an answer, two times with nothing but space between them, and the times without a partner. */
function timePairs(
  tokenizer: Tokenizer,
  ids: readonly number[],
): { readonly pairs: [number, number][]; readonly single: number[] } {
  const pairs: [number, number][] = [];
  const single: number[] = [];
  let open: number | undefined;
  for (const [i, id] of ids.entries()) {
    if (tokenizer.times.indexOf(id) === undefined) continue;
    if (open !== undefined && tokenizer.decode(ids.slice(open + 1, i)).trim() === '') {
      pairs.push([open, i]);
      open = undefined;
      continue;
    }
    if (open !== undefined) single.push(open);
    open = i;
  }
  if (open !== undefined) single.push(open);
  return { pairs, single };
}
