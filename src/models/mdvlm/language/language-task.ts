import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  objectWith,
  optional,
  someOf,
} from '../../../arguments.js';
import type { LastLayer } from '../../../diffusion/token-logits.js';
import { OptionError } from '../../../errors.js';
import type { LoraAdapter } from '../../../nn/lora.js';
import { repeat } from '../../../ops/array/broadcast-to.js';
import { gather } from '../../../ops/array/gather.js';
import { scatter } from '../../../ops/array/scatter.js';
import { Owner } from '../../../tensor/owner.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type BatchSampler, shuffledBatches } from '../../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask } from '../../../training/training-task.js';
import {
  AnswerObjective,
  type AnswerObjectiveOptions,
  objectiveRules,
  wantedRule,
} from '../objective/answer-objective.js';
import { TimeTokens } from '../time-tokens.js';
import type { ChatExample } from './chat-examples.js';
import { LanguageModel } from './language-model.js';

export interface LanguageTaskOptions extends AnswerObjectiveOptions {
  /**
   * The embeddings f32 (B, L, D) of a batch of conversations u32 (B, L); for ids beyond the vocabulary `language.embed`,
   * the default, gives zeros, in whose place this may put visual tokens.
   */
  readonly embed?: (ids: Tensor) => Tensor;
}

const chatRule = objectWith<ChatExample>({
  ids: instanceOf<Uint32Array<ArrayBuffer>>(Uint32Array, 'a Uint32Array'),
  places: listOf(integer(0)),
  answer: wantedRule,
});

/** Gradients of hidden states are about one over the length of answer and sequence; below 6e-8 f16 has no number (ours). */
const f16GradientScale = 2 ** 10;

/**
 * Fine-tuning of a masked diffusion language model by the objectives of MDVLM-TAL: its adapter learns the answers of
 * conversations, while its own weights stay as they are. Masks are put into the embeddings, as LLaDA-V does. Of the last
 * layer only the positions that are learned are computed.
 */
export class LanguageTask extends Owner implements TrainingTask {
  readonly model: LoraAdapter;
  readonly sampler: BatchSampler;
  readonly batch: number;
  readonly gradientScale: number;
  readonly #embed: (ids: Tensor) => Tensor;
  readonly #objective: AnswerObjective;
  /** u32 (B, L), padded after the end; u32 (B, L) without the padding; u32 (B, N), L where there is no position. */
  readonly #ids: Tensor;
  readonly #keyMask: Tensor;
  readonly #places: Tensor;

  /** @throws OptionError where the model has no adapter, or there is no conversation */
  constructor(
    readonly language: LanguageModel,
    times: TimeTokens,
    readonly chats: readonly ChatExample[],
    options: LanguageTaskOptions,
  ) {
    checkArguments(
      'LanguageTask',
      { language, times, chats },
      {
        language: instanceOf(LanguageModel, 'a LanguageModel'),
        times: instanceOf(TimeTokens, 'a TimeTokens'),
        chats: someOf(chatRule),
      },
    );
    checkFields<LanguageTaskOptions>('LanguageTask', options, {
      ...objectiveRules,
      embed: optional(callback),
    });
    const { runtime, lora, config } = language;
    const { embed = (ids) => language.embed(ids), ...objective } = options;
    const { batch } = objective;
    super(runtime);
    const { maskId } = config;
    if (!lora) throw new OptionError('LanguageTask: language must have an adapter (`lora`), not none');
    const most = (count: (chat: ChatExample) => number) =>
      chats.reduce((largest, chat) => Math.max(largest, count(chat)), 0);
    const length = most(({ ids }) => ids.length);
    this.model = lora;
    this.sampler = shuffledBatches(chats.length, batch);
    this.batch = batch;
    this.gradientScale = language.weightDtype === 'f16' ? f16GradientScale : 1;
    this.#embed = embed;
    const limits = {
      maxLength: most(({ places }) => places.length),
      maxSpans: most(({ answer }) => answer.spans.length),
    };
    [this.#objective, this.#ids, this.#keyMask, this.#places] = this.own(() => [
      new AnswerObjective(runtime, { order: 'diffusion', maskId, times }, limits, objective),
      runtime.zeros([batch, length], 'u32'),
      runtime.zeros([batch, length], 'u32'),
      runtime.zeros([batch, limits.maxLength], 'u32'),
    ]);
  }

  /** Writes the conversations of a batch. @throws OptionError */
  prepare(batch: Pick<Batch, 'index' | 'examples'>): void {
    checkArgument(
      'LanguageTask.prepare',
      'batch',
      batch,
      objectWith<typeof batch>({ index: integer(0), examples: someOf(integer(0, this.chats.length - 1)) }),
    );
    const { index, examples } = batch;
    this.checkAlive();
    const chats = examples.map((example) => this.chats[example]!);
    const length = this.#ids.shape[1]!;
    const maxLength = this.#places.shape[1]!;
    const ids = new Uint32Array(this.#ids.size);
    const seen = new Uint32Array(this.#keyMask.size);
    const places = new Uint32Array(this.#places.size).fill(length);
    for (const [i, chat] of chats.entries()) {
      ids.set(chat.ids, i * length);
      seen.fill(1, i * length, i * length + chat.ids.length);
      places.set(chat.places, i * maxLength);
    }
    this.#ids.write(ids);
    this.#keyMask.write(seen);
    this.#places.write(places);
    this.#objective.prepare(
      index,
      chats.map(({ answer }) => answer),
    );
  }

  loss(): LossParts {
    this.checkAlive();
    return this.runtime.scope(() => {
      const prompt = this.#embed(this.#ids);
      return this.#objective.loss((answers) => this.#predict(prompt, answers));
    });
  }

  /** The last layer of answers (R, N) in their places of the conversations' embeddings (B, L, D). */
  #predict(prompt: Tensor, answers: Tensor): LastLayer {
    const { language } = this;
    return language.runtime.scope(() => {
      const times = answers.shape[0]! / this.batch;
      const ids = repeat(this.#places, 0, times).reshape([...answers.shape, 1]);
      const x = repeat(prompt, 0, times);
      const embeddings = scatter({ x, ids, updates: language.embed(answers) }, { axis: 1 });
      const hidden = language.forward(embeddings, { keyMask: repeat(this.#keyMask, 0, times) });
      return language.lastLayer(gather({ x: hidden, ids }, { axis: 1 }));
    });
  }
}
