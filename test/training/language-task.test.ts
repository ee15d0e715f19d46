import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { HostRandom } from '../../src/data/host-random.js';
import { OptionError } from '../../src/errors.js';
import { generateTokens } from '../../src/models/mdvlm/decoding/decode.js';
import { encodeChat, placeVisualTokens } from '../../src/models/mdvlm/language/chat.js';
import { type ChatExample, chatExample } from '../../src/models/mdvlm/language/chat-examples.js';
import type { LanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import type { LanguageModelOptions } from '../../src/models/mdvlm/language/language-options.js';
import { LanguageTask, type LanguageTaskOptions } from '../../src/models/mdvlm/language/language-task.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import {
  checkedPlan,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  maskWeights,
} from '../../src/models/mdvlm/objective/masking.js';
import type { Objective } from '../../src/models/mdvlm/objective/objective.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { add } from '../../src/ops/array/binary.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import { testRuntime } from '../support/runtime.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const runtime = await testRuntime();
const folder = await mkdtemp(join(tmpdir(), 'tal-language-'));
after(() => rm(folder, { recursive: true, force: true }));

const config: LanguageConfig = {
  ...{ hidden: 32, layers: 2, heads: 2, keyHeads: 1, headSize: 16, intermediate: 48, vocabulary: 1032 },
  ...{ ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 128, maskId: smallIds.mask, tied: true },
};
const times = new TimeTokens({ count: 20, firstId: smallIds.reserved });
const tokenizer = await loadTokenizer({ tokenizer: smallTokenizer(), config: smallTokenizerConfig }, times);

const system = 'a';
const asked = [
  ['who?', 'ju'],
  ['when?', '<t3> <t9> jump'],
  ['and then', '<t10> <t12>;<t15>'],
] as const;
const chats = asked.map(([question, answer], i) =>
  chatExample(
    tokenizer,
    [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
    { system, targets: i === 2 ? 'llada-v' : 'answers' },
  ),
);

/** A base whose logits can be far apart, which is the same each time. */
async function base(options: LanguageModelOptions = {}): Promise<LanguageModel> {
  const lora = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] };
  const model = new LanguageModel(runtime, config, { lora, ...options }).initialize(1);
  for (const [name, parameter] of model.parameters()) {
    if (!name.includes('embed')) continue;
    const numbers = (await parameter.tensor.read()) as Float32Array;
    parameter.set(numbers.map((x) => 30 * x));
  }
  return model;
}

/** -log softmax of the target, for logits of any number of rows. */
function crossEntropies(logits: Float32Array, targets: readonly number[]): number[] {
  return targets.map((target, i) => {
    const row = logits.subarray(i * config.vocabulary, (i + 1) * config.vocabulary);
    const largest = row.reduce((a, b) => Math.max(a, b));
    return largest + Math.log(row.reduce((total, x) => total + Math.exp(x - largest), 0)) - row[target]!;
  });
}

interface Copy {
  readonly mask: readonly boolean[];
  readonly weights: readonly number[];
}

/** The losses of the masks of a step, by one conversation at a time without padding: the sum of LLaDA-V's loss of each copy. */
async function expectedLoss(
  language: LanguageModel,
  step: number,
  seed: number,
  copies: (chat: ChatExample, t: number, random: HostRandom) => readonly Copy[],
  embed: (ids: Tensor, row: number) => Tensor = (ids) => language.embed(ids),
  learned: readonly ChatExample[] = chats,
): Promise<number> {
  const random = new HostRandom(seed, step + 2 ** 21);
  let total = 0;
  for (const [row, chat] of learned.entries()) {
    for (const { mask, weights } of copies(chat, drawStepRatio(random), random)) {
      const ids = Uint32Array.from(chat.ids);
      for (const [i, place] of chat.places.entries()) if (mask[i]) ids[place] = config.maskId;
      const embeddings = embed(runtime.tensor(ids, [1, ids.length], 'u32'), row);
      const logits = (await language.logits(language.forward(embeddings)).read()) as Float32Array;
      const rows = chat.places.flatMap((place) => [
        ...logits.subarray(place * config.vocabulary, (place + 1) * config.vocabulary),
      ]);
      for (const [i, loss] of crossEntropies(Float32Array.from(rows), chat.answer.ids).entries())
        total += (loss * weights[i]!) / chat.places.length / learned.length;
    }
  }
  return total;
}

const plan = checkedPlan();

/** The uniform copy of an answer, and the planned one with its weighting. */
function maskedCopies(weighting?: 'planned' | 'step-weighted') {
  return ({ answer: { layout } }: ChatExample, t: number, random: HostRandom): Copy[] => {
    const uniform = drawUniformMask(layout, t, random);
    const planned = drawPlannedMask(layout, t, plan, random);
    const first = { mask: uniform, weights: maskWeights('uniform', uniform, layout, t, plan) };
    if (!weighting) return [first];
    return [first, { mask: planned, weights: maskWeights(weighting, planned, layout, t, plan) }];
  };
}

async function lossOf(task: LanguageTask, step: number): Promise<number> {
  task.prepare({ index: step, examples: [...task.chats.keys()] });
  return (await runtime.scope(() => Object.values(task.loss()).reduce(add)).read())[0]!;
}

describe('fine-tuning of the language model', () => {
  for (const [objective, weighting] of [
    ['uniform', undefined],
    ['+boundary', 'planned'],
    ['+step-weighted', 'step-weighted'],
  ] as const satisfies readonly [Objective, unknown][]) {
    it(`by ${objective} has the loss of each conversation by itself, over its rate and its answer's length`, async () => {
      const language = await base();
      language.lora!.initialize(2);
      const task = new LanguageTask(language, times, chats, { batch: 3, seed: 5, steps: 10, objective });
      for (const step of [0, 7]) {
        const wanted = await expectedLoss(language, step, 5, maskedCopies(weighting));
        assert.ok(relativeError([await lossOf(task, step)], [wanted]) < 1e-5);
      }
      task.dispose();
      language.dispose();
    });
  }

  it('puts embeddings in the places of visual tokens', async () => {
    const language = await base();
    language.lora!.initialize(2);
    const chat = encodeChat(
      tokenizer,
      [
        { role: 'user', content: 'ju<image>' },
        { role: 'assistant', content: '<t1> <t2>' },
      ],
      { system },
    );
    const placed = placeVisualTokens(chat, 3);
    const seen = chatExample(
      tokenizer,
      [
        { role: 'user', content: 'ju<image>' },
        { role: 'assistant', content: '<t1> <t2>' },
      ],
      { system },
    );
    const shifted = {
      ...seen,
      ids: new Uint32Array(placed.ids.buffer),
      places: seen.places.map((place) => place + 2),
    };
    const random = new HostRandom(8);
    const first = placed.ids.findIndex((id) => id < 0);
    const visual = new Float32Array(placed.ids.length * config.hidden);
    for (let i = first * config.hidden; i < (first + 3) * config.hidden; i++) visual[i] = random.normal();
    const vectors = runtime.tensor(visual, [1, placed.ids.length, config.hidden]);
    const embed = (ids: Tensor) => add(language.embed(ids), vectors);
    const options: LanguageTaskOptions = { batch: 1, seed: 5, steps: 10, objective: 'uniform' };
    const blind = new LanguageTask(language, times, [shifted], options);
    const task = new LanguageTask(language, times, [shifted], { ...options, embed });
    const wanted = await expectedLoss(language, 1, 5, maskedCopies(), embed, [shifted]);
    const loss = await lossOf(task, 1);
    assert.ok(relativeError([loss], [wanted]) < 1e-5);
    assert.notEqual(await lossOf(blind, 1), loss);
    for (const each of [task, blind, language]) each.dispose();
  });

  /** Trains an adapter on all conversations in each step, from where a run of that name stopped. */
  async function trained(
    name: string,
    steps: number,
    {
      model = {},
      stopAfter = steps,
      learned = chats,
    }: { model?: LanguageModelOptions; stopAfter?: number; learned?: readonly ChatExample[] } = {},
  ) {
    const language = await base({ recompute: true, ...model });
    const task = new LanguageTask(language, times, learned, { batch: learned.length, seed: 1, steps });
    const losses: number[] = [];
    const stop = new AbortController();
    await train(task, {
      ...{ steps, seed: 1, folder: join(folder, name), settings: name, maxNorm: 1 },
      learningRate: constantLearningRate(1e-2),
      signal: stop.signal,
      onStep: ({ step, loss }) => {
        losses.push(loss);
        if (step === stopAfter) stop.abort();
      },
    });
    task.dispose();
    return { language, losses };
  }

  it('learns answers by heart, and leaves the weights of the model as they are, bit for bit', async (test) => {
    const { language, losses } = await trained('by heart', 120, { learned: chats.slice(0, 2) });
    const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b) / numbers.length;
    const [before, after] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
    test.diagnostic(`loss ${before} to ${after}`);
    assert.ok(after < 0.5 * before, losses.join());
    const untouched = await base();
    untouched.lora!.initialize(1);
    assert.deepEqual(await language.state(), await untouched.state());
    for (const { ids, places, answer } of chats.slice(0, 2)) {
      const decoded = (model: LanguageModel) =>
        generateTokens(model, [...ids.subarray(0, places[0])], { length: places.length });
      assert.deepEqual(await decoded(language), answer.ids);
      assert.notDeepEqual(await decoded(untouched), answer.ids);
    }
    for (const each of [language, untouched]) each.dispose();
  });

  it('that was stopped goes on, and ends with the same adapter bit for bit, layers recomputed or not', async () => {
    const whole = await trained('whole', 3);
    const wanted = await whole.language.lora!.state();
    const begun = await trained('stopped', 3, { stopAfter: 1 });
    const rest = await trained('stopped', 3);
    const kept = await trained('kept', 3, { model: { recompute: false } });
    assert.deepEqual([...begun.losses, ...rest.losses], whole.losses);
    assert.deepEqual(await rest.language.lora!.state(), wanted);
    assert.deepEqual(await kept.language.lora!.state(), wanted);
    for (const { language } of [whole, begun, rest, kept]) language.dispose();
  });

  it('refuses a model without an adapter, and no conversation at all', async () => {
    const plain = new LanguageModel(runtime, config);
    const options = { batch: 1, seed: 1, steps: 1 };
    assert.throws(() => new LanguageTask(plain, times, chats, options), OptionError);
    const language = await base();
    assert.throws(
      () => new LanguageTask(language, times, [], options),
      /chats must be an array that is not empty/,
    );
    for (const each of [plain, language]) each.dispose();
  });
});
