import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  optional,
  positive,
  type Rule,
  type Rules,
  text as textRule,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { Tokenizer } from './tokenizer.js';

/** Who speaks, and what: in a question, `VISUAL_MARK` is where the video stands. */
export interface ChatMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** In a text, the place of the visual tokens. */
export const VISUAL_MARK = '<image>';
/** The id that holds the place of visual tokens (LLaVA and its descendants). */
export const VISUAL_ID = -200;
/** The label of a position that is no target. */
export const IGNORED_LABEL = -100;

/** The prompt that LLaDA-V was trained with. A checkpoint knows it, so it is given as it is. */
export const LLADA_V_SYSTEM_PROMPT =
  'You are a helpful language and vision assistant. You are able to understand the visual content that the user ' +
  'provides, and assist the user with a variety of tasks using natural language.';

/** Tokens that end an answer. */
export const STOP_TOKENS = ['<|eot_id|>', '<|endoftext|>'] as const;

export interface ChatOptions {
  /** Default `LLADA_V_SYSTEM_PROMPT`. */
  readonly system?: string;
  /**
   * Which positions are targets of training. `answers` (default): the answers, each with the token that ends it.
   * `llada-v`: what the released code trains on, the answers with their headers, and the marks of the template
   * wherever they stand, also in questions.
   */
  readonly targets?: 'answers' | 'llada-v';
}

/** A conversation as the model takes it. All arrays have an entry for each position. */
export interface EncodedChat {
  /** Token ids; `VISUAL_ID` where visual tokens go. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** The id that a position should become, or `IGNORED_LABEL`. */
  readonly labels: Int32Array<ArrayBuffer>;
  /**
   * Which turn a position is of, from 0: a question and its answer are a turn, the system prompt is of the first
   * (ours). What the attention mask `turns` takes.
   */
  readonly turns: Uint32Array<ArrayBuffer>;
}

const messageRule = objectWith<ChatMessage>({ role: oneOf('user', 'assistant'), content: textRule });

const chatOptionRules: Rules<ChatOptions> = {
  system: optional(textRule),
  targets: optional(oneOf('answers', 'llada-v')),
};

const int32 = instanceOf<Int32Array<ArrayBuffer>>(Int32Array, 'an Int32Array');

export const chatRule: Rule<EncodedChat> = objectWith<EncodedChat>({
  ids: int32,
  labels: int32,
  turns: instanceOf<Uint32Array<ArrayBuffer>>(Uint32Array, 'a Uint32Array'),
});

/** What `encodeChat` builds up. */
class ChatBuilder {
  readonly ids: number[] = [];
  readonly labels: number[] = [];
  readonly turns: number[] = [];
  turn = 0;

  add(ids: readonly number[], target = false): void {
    for (const id of ids) {
      this.ids.push(id);
      this.labels.push(target ? id : IGNORED_LABEL);
      this.turns.push(this.turn);
    }
  }
}

/**
 * Puts a conversation into LLaDA's chat template: the start of the text once, then for the system prompt and each
 * message `<|start_header_id|>role<|end_header_id|>`, a blank line, the content, `<|eot_id|>`. After a last message
 * of the user stands the header of the answer, which the model is to write.
 *
 * The blank line is encoded together with the question that follows, as in the released code. Before an answer it
 * is encoded apart: so training sees the header that generation ends with.
 * @throws OptionError where questions and answers do not alternate, beginning with a question;
 *   FileFormatError where the tokenizer lacks a token of the template
 */
export function encodeChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
): EncodedChat {
  checkArguments(
    'encodeChat',
    { tokenizer, messages },
    { tokenizer: instanceOf(Tokenizer, 'a Tokenizer'), messages: listOf(messageRule) },
  );
  checkFields('encodeChat', options, chatOptionRules);
  const { system = LLADA_V_SYSTEM_PROMPT, targets = 'answers' } = options;
  const [bos, headerStart, headerEnd, eot] = templateIds(tokenizer);
  const chat = new ChatBuilder();
  const header = (role: string, target = false) =>
    chat.add([headerStart, ...tokenizer.encode(role), headerEnd], target);
  const blank = '\n\n';

  chat.add([bos]);
  header('system');
  chat.add([...tokenizer.encode(blank + system), eot]);
  for (const [i, { role, content }] of messages.entries()) {
    if (role !== (i % 2 === 0 ? 'user' : 'assistant'))
      throw new OptionError(
        `encodeChat: messages[${i}].role must not be ${role}: the user comes first, then both alternate`,
      );
    if (role === 'user') {
      chat.turn = i / 2;
      header('user');
      chat.add([...encodeQuestion(tokenizer, blank + content), eot]);
    } else {
      const whole = targets === 'llada-v';
      header('assistant', whole);
      chat.add(tokenizer.encode(blank), whole);
      chat.add([...tokenizer.encode(content), eot], true);
    }
  }
  if (messages.length % 2 === 1) {
    header('assistant');
    chat.add(tokenizer.encode(blank));
  }
  if (targets === 'llada-v') {
    // The released code looks the blank line up as it is; a byte-level vocabulary need not have such an entry.
    const marks = new Set([bos, headerStart, headerEnd, eot, tokenizer.find(blank)]);
    for (const [i, id] of chat.ids.entries()) if (marks.has(id)) chat.labels[i] = id;
  }
  return {
    ids: Int32Array.from(chat.ids),
    labels: Int32Array.from(chat.labels),
    turns: Uint32Array.from(chat.turns),
  };
}

const templateIds = (tokenizer: Tokenizer) =>
  [
    tokenizer.id('<|startoftext|>'),
    tokenizer.id('<|start_header_id|>'),
    tokenizer.id('<|end_header_id|>'),
    tokenizer.id('<|eot_id|>'),
  ] as const;

function encodeQuestion(tokenizer: Tokenizer, text: string): number[] {
  return text
    .split(VISUAL_MARK)
    .flatMap((part, i) => [...(i > 0 ? [VISUAL_ID] : []), ...tokenizer.encode(part)]);
}

/**
 * Where the visual tokens go: the number of ids before them.
 * @throws OptionError where the conversation has not exactly one place for them
 */
export function visualPlace(chat: EncodedChat): number {
  checkArgument('visualPlace', 'chat', chat, chatRule);
  const { ids } = chat;
  const at = ids.indexOf(VISUAL_ID);
  if (at >= 0 && ids.lastIndexOf(VISUAL_ID) === at) return at;
  throw new OptionError(`the conversation must have one ${VISUAL_MARK}, which is where the visual tokens go`);
}

/**
 * Inserts the places of the visual tokens: `count` positions, all `VISUAL_ID`, where one stood.
 * @throws OptionError where the conversation has not exactly one place for them, or `count` is not an integer of at least 0
 */
export function placeVisualTokens(chat: EncodedChat, count: number): EncodedChat {
  checkArguments('placeVisualTokens', { chat, count }, { chat: chatRule, count: integer(0) });
  const at = visualPlace(chat);
  const length = chat.ids.length + count - 1;
  const source = (i: number): number => (i < at ? i : Math.max(at, i - count + 1));
  return {
    ids: Int32Array.from({ length }, (_, i) => chat.ids[source(i)]!),
    labels: Int32Array.from({ length }, (_, i) => chat.labels[source(i)]!),
    turns: Uint32Array.from({ length }, (_, i) => chat.turns[source(i)]!),
  };
}

/**
 * What LLaVA-Video and LLaDA-V tell the model of the frames that it sees, in the words that they were trained with.
 * @param duration length of the video in seconds
 * @param frameTimes seconds of the frames
 * @throws OptionError
 */
export function frameTimesText(duration: number, frameTimes: readonly number[]): string {
  checkArguments(
    'frameTimesText',
    { duration, frameTimes },
    { duration: positive, frameTimes: listOf(numberIn(0)) },
  );
  const times = frameTimes.map((seconds) => `${seconds.toFixed(2)}s`).join(',');
  return (
    `The video lasts for ${duration.toFixed(2)} seconds, and ${frameTimes.length} frames are uniformly sampled from ` +
    `it. These frames are located at ${times}.Please answer the following questions related to this video.`
  );
}
