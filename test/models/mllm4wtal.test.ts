import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { toFloat32 } from '../../src/data/formats/array.js';
import { openSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import { WordVectors } from '../../src/data/text/words.js';
import type { VideoItem } from '../../src/datasets/video-dataset.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import type { BaseOutputs, WtalBase } from '../../src/models/wtal/base.js';
import { Co2Net } from '../../src/models/wtal/bases/co2net.js';
import { softmaxMil } from '../../src/models/wtal/losses/softmax-mil.js';
import { CaptionWords } from '../../src/models/wtal/mllm4wtal/caption-words.js';
import type { GuidanceConfig } from '../../src/models/wtal/mllm4wtal/config.js';
import { DualTransformer } from '../../src/models/wtal/mllm4wtal/dual-transformer.js';
import { Guidance, type GuidanceOperands } from '../../src/models/wtal/mllm4wtal/guidance.js';
import { GuidanceBatch } from '../../src/models/wtal/mllm4wtal/guidance-batch.js';
import type { SemanticPriors } from '../../src/models/wtal/mllm4wtal/priors.js';
import { scrambledPriors, standInPriors } from '../../src/models/wtal/mllm4wtal/stand-in-priors.js';
import { guidanceGroups, guidanceTurns } from '../../src/models/wtal/mllm4wtal/turns.js';
import { Module } from '../../src/nn/module.js';
import { add, sub } from '../../src/ops/array/binary.js';
import { fill } from '../../src/ops/array/fill.js';
import { scaleShift } from '../../src/ops/array/unary.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { train } from '../../src/training/train.js';
import type { Batch, LossParts, TrainingTask } from '../../src/training/training-task.js';
import { testRuntime } from '../support/runtime.js';
import { TinyBase } from '../support/tiny-base.js';

// The guidance of MLLM4WTAL against PyTorch (mllm4wtal-twin.py), and what must and must not change its results.
const runtime = await testRuntime();
const path = new URL('../../../test/models/golden/mllm4wtal.safetensors', import.meta.url);
const golden = await openSafetensors(await readFile(path), 'mllm4wtal');
const settings = JSON.parse(golden.metadata.settings!);
const { batch, steps, channels, classes, wordWidth, rate, vocabulary } = settings;
const sizes = { batch, steps, channels, classes, wordWidth };
const numbers = async (name: string) => toFloat32(await golden.read(name));
const read = async (x: Tensor) => (await x.read()) as Float32Array;

const operand = async (name: string): Promise<Tensor> => {
  const stored = await golden.read(`input/${name}`);
  return stored.dtype === 'i32'
    ? runtime.tensor(Uint32Array.from(stored.data as Int32Array), stored.shape, 'u32')
    : runtime.tensor(toFloat32(stored), stored.shape);
};
const snippets = await operand('snippets');
const operands: GuidanceOperands = {
  keys: await operand('keys'),
  labels: await operand('labels'),
  words: await operand('words'),
  present: await operand('present'),
  masked: await operand('masked'),
};

/** Words a, b, c, … with the twin's vectors. */
const letters = Array.from({ length: vocabulary }, (_, i) => String.fromCharCode(97 + i));
const captionWords = new CaptionWords(
  [letters.join(' ')],
  new WordVectors(letters, await numbers('input/table')),
);

class Guided extends Module {
  readonly base: WtalBase;
  readonly guidance: Guidance;

  constructor(runtime: Runtime, base: WtalBase, guidance: Guidance) {
    super(runtime);
    this.base = this.child('base', base);
    this.guidance = this.child('guidance', guidance);
  }
}

const both: GuidanceConfig = { ksm: settings.ksm, csr: settings.csr };

/** The twin's network, or with another configuration the parts of it that it has. */
async function twin(config: GuidanceConfig = both): Promise<Guided> {
  const base = new TinyBase(runtime, channels, classes);
  const model = new Guided(runtime, base, new Guidance(runtime, config, sizes, captionWords)).initialize(1);
  for (const [name, parameter] of model.parameters()) {
    if (parameter.trained) parameter.set(await numbers(`weight/${name}`));
  }
  return model;
}

/** The losses of a turn, as a task gives them. */
function turnLoss({ guidance, base }: Guided, turn: string, of = operands): LossParts {
  if (turn === 'reconstruct') return guidance.reconstructLoss(snippets, of);
  if (turn === 'mask') return guidance.maskLoss(snippets, of);
  return guidance.baseLoss(snippets, base.forward(snippets), of);
}

const total = (parts: LossParts) =>
  Object.values(parts)
    .map((part) => part.reshape([]))
    .reduce(add);

/** The gradients of some losses by all weights of a model. */
const gradientsOf = (model: Module, loss: () => Tensor) => valueAndGrad(model.weights(), loss).gradients;

describe('MLLM4WTAL has the numbers of PyTorch', () => {
  const compare = async (actual: Tensor, name: string) => {
    const error = relativeError(await read(actual), await numbers(name));
    assert.ok(error < 1e-5, `${name} is off by ${error}`);
  };

  it('matching', async () => {
    using model = await twin();
    const { similarity, attention } = model.guidance.ksm!.forward(snippets, operands);
    await compare(similarity, 'expected/similarity');
    await compare(attention, 'expected/keyAttention');
  });

  it('reconstruction by the attended frames, by all, and by the others', async () => {
    using model = await twin();
    const csr = model.guidance.csr!;
    const { attention } = csr.attend(snippets);
    await compare(attention, 'expected/attention');
    await compare(csr.wordLosses(snippets, operands, attention), 'expected/words/attended');
    await compare(csr.wordLosses(snippets, operands), 'expected/words/all');
    await compare(csr.wordLosses(snippets, operands, scaleShift(attention, -1, 1)), 'expected/words/others');
    using released = await twin({ ...both, csr: { ...settings.csr, maskWords: false } });
    await compare(
      released.guidance.csr!.wordLosses(snippets, operands, attention),
      'expected/words/released',
    );
  });

  it('one iteration: the losses and the gradients of each turn, after the steps of those before', async () => {
    using model = await twin();
    const weights = model.weights();
    let compared = 0;
    for (const { name: turn } of guidanceTurns(both, 'guidance')) {
      const found = [...golden.tensors.keys()].filter((name) => name.startsWith(`gradient/${turn}/`));
      const names = found.map((name) => name.slice(`gradient/${turn}/`.length));
      const own = Object.fromEntries(names.map((name) => [name, weights[name]!]));
      let parts: LossParts = {};
      const { gradients } = valueAndGrad(own, () => {
        parts = runtime.detached(() => turnLoss(model, turn));
        return total(parts);
      });
      for (const [part, value] of Object.entries(parts)) await compare(value, `expected/${turn}/${part}`);
      const length = Math.hypot(
        ...(await Promise.all(
          names.map(async (name) => Math.hypot(...(await numbers(`gradient/${turn}/${name}`)))),
        )),
      );
      for (const name of names) {
        const [actual, wanted] = [await read(gradients[name]!), await numbers(`gradient/${turn}/${name}`)];
        const off = Math.hypot(...actual.map((x, i) => x - wanted[i]!));
        // Where the gradient vanishes, as that of the keys' bias does, all gradients of the turn tell what is small.
        const size = Math.max(Math.hypot(...wanted), 1e-4 * length);
        assert.ok(off < 1e-4 * size, `${turn}: the gradient of ${name} is off by ${off / size}`);
        compared++;
        own[name]!.assign(sub(own[name]!, scaleShift(gradients[name]!, rate, 0)));
      }
    }
    assert.equal(compared, Object.keys(weights).length);
  });
});

describe('what must not change the reconstruction', () => {
  it('words after the last of a caption', async () => {
    using model = await twin();
    const csr = model.guidance.csr!;
    const present = (await operands.present.read()) as Uint32Array;
    const other = ((await operands.words.read()) as Uint32Array).map((id, i) =>
      present[i] ? id : (i * 5) % vocabulary,
    );
    const words = runtime.tensor(other, operands.words.shape, 'u32');
    const attention = fill(runtime, [batch, steps], 0.4);
    assert.deepEqual(
      await read(csr.wordLosses(snippets, { ...operands, words }, attention)),
      await read(csr.wordLosses(snippets, operands, attention)),
    );
  });

  it('an attention that is the same everywhere', async () => {
    using model = await twin();
    const csr = model.guidance.csr!;
    const equal = await read(csr.wordLosses(snippets, operands, fill(runtime, [batch, steps], 0.3)));
    assert.ok(relativeError(equal, await read(csr.wordLosses(snippets, operands))) < 1e-6);
  });

  it('frames of weight 0, and for a word the words after it', async () => {
    const width = 8;
    using transformer = new DualTransformer(runtime, {
      width,
      heads: 2,
      layers: 2,
      intermediate: 8,
    }).initialize(3);
    const random = new HostRandom(2);
    const normal = (length: number) => Float32Array.from({ length: length * width }, () => random.normal());
    const [frames, words] = [normal(5), normal(4)];
    const tensor = (data: Float32Array) => runtime.tensor(data, [1, data.length / width, width]);
    const weights = runtime.tensor([0.2, 0.9, 0, 0.4, 0], [1, 5]);
    const told = async (f: Float32Array, w: Float32Array) =>
      read(transformer.forward(tensor(f), tensor(w), weights));
    const before = await told(frames, words);
    const hidden = frames.map((x, i) => (i < 2 * width || (i >= 3 * width && i < 4 * width) ? x : x + 1));
    assert.ok(relativeError(await told(hidden, words), before) < 1e-6);
    const after = await told(
      frames,
      words.map((x, i) => (i < 2 * width ? x : -x)),
    );
    assert.ok(relativeError(after.subarray(0, 2 * width), before.subarray(0, 2 * width)) < 1e-6);
    assert.ok(relativeError(after.subarray(2 * width), before.subarray(2 * width)) > 1e-2);
  });
});

describe('gradients stop where they should', () => {
  const reached = async (model: Guided, loss: () => Tensor): Promise<string[]> => {
    const found = gradientsOf(model, loss);
    const names = [];
    for (const [name, gradient] of Object.entries(found)) {
      if ((await read(gradient)).some((x) => x !== 0)) names.push(name);
    }
    return names;
  };

  it('the base is drawn, and nothing else moves for it', async () => {
    using model = await twin();
    turnLoss(model, 'reconstruct');
    const pull = await reached(model, () => turnLoss(model, 'base').pull!);
    assert.deepEqual(pull.sort(), ['base.attention.bias', 'base.attention.weight']);
  });

  it('matching and reconstruction each move by themselves towards the other', async () => {
    using model = await twin();
    turnLoss(model, 'reconstruct');
    for (const [turn, own] of [
      ['base', 'guidance.ksm.'],
      ['mask', 'guidance.csr.attention.'],
    ] as const) {
      const names = await reached(model, () => turnLoss(model, turn).distilled!);
      assert.ok(names.length > 0 && names.every((name) => name.startsWith(own)), `${turn}: ${names}`);
    }
  });
});

describe('the parts of the guidance', () => {
  it('can each be left out', async () => {
    const partsOf = async (config: GuidanceConfig) => {
      using model = await twin(config);
      const turns = guidanceTurns(config, 'guidance').map(({ name }) => name);
      return turns.flatMap((turn) => Object.keys(turnLoss(model, turn)).map((part) => `${turn}.${part}`));
    };
    const matching = ['base.match', 'base.norm', 'base.guide'];
    const reconstruction = [
      ...['reconstruct.attended', 'reconstruct.all'],
      ...['mask.againstAll', 'mask.againstOthers', 'mask.autoEncoder'],
    ];
    assert.deepEqual(await partsOf({ ksm: settings.ksm }), [...matching, 'base.pull']);
    assert.deepEqual(await partsOf({ csr: settings.csr }), [...reconstruction, 'base.pull']);
    assert.deepEqual(await partsOf({ ...both, distillation: 0 }), [
      ...reconstruction,
      ...matching,
      'base.pull',
    ]);
    assert.deepEqual(await partsOf(both), [
      ...[...reconstruction, 'mask.distilled'],
      ...[...matching, 'base.distilled', 'base.pull'],
    ]);
    // The operands of the twin have no order.
    using orderOnly = await twin({ order: { weight: 1 } });
    assert.throws(() => turnLoss(orderOnly, 'base'), OptionError);
    assert.throws(() => new Guidance(runtime, {}, sizes, captionWords), OptionError);
    assert.throws(() => new Guidance(runtime, { csr: settings.csr }, sizes), OptionError);
  });

  it('refuse operands that do not fit', async () => {
    using model = await twin();
    const { ksm, csr } = model.guidance;
    assert.throws(() => ksm!.forward(runtime.zeros([batch, steps, channels + 1]), operands), ShapeError);
    assert.throws(() => ksm!.forward(snippets, { ...operands, keys: operands.labels }), ShapeError);
    assert.throws(() => csr!.wordLosses(snippets, { ...operands, present: operands.labels }), ShapeError);
  });
});

/** Videos of two actions in turn, whose snippets show them; and their priors. */
const labels = ['WALKING', 'SITTING', 'LAYING'];
const videos = Array.from({ length: 12 }, (_, i): VideoItem => {
  const [first, second] = [labels[i % 3]!, labels[(i + 1 + (i % 2)) % 3]!];
  return {
    id: `video${i}`,
    duration: 20,
    annotations: {
      segments: [
        { label: first, segment: [0, 8] },
        { label: second, segment: [8, 20] },
      ],
    },
  };
});
const ordered = standInPriors(videos, labels, 'ordered');
const allWords = [
  'and',
  ...new Set(
    [...ordered.values()].flatMap(({ key, complete }) =>
      [complete, ...key.flatMap(({ phrases }) => phrases)].join(' ').split(' '),
    ),
  ),
];
const random = new HostRandom(4);
const vectors = new WordVectors(
  allWords,
  Float32Array.from({ length: allWords.length * wordWidth }, () => random.normal()),
);
const ids = videos.map(({ id }) => id);

/** A task with the three turns on a base. */
class GuidedTask implements TrainingTask {
  readonly sampler = shuffledBatches(videos.length, batch);
  readonly turns;
  readonly model: Guided;
  readonly #batch: GuidanceBatch;
  readonly #snippets = runtime.zeros([batch, steps, channels]);
  readonly #labels = runtime.zeros([batch, labels.length]);
  readonly #progress = runtime.zeros([1]);

  constructor(base: WtalBase, priors: SemanticPriors, config: GuidanceConfig) {
    this.#batch = new GuidanceBatch(runtime, priors, { classes: labels, vectors }, ids, batch);
    this.model = new Guided(runtime, base, new Guidance(runtime, config, sizes, this.#batch.words));
    this.turns = guidanceTurns(config, 'guidance');
  }

  get operands(): GuidanceOperands {
    const { order, ...rest } = this.#batch.operands;
    return { ...rest, labels: this.#labels, order: { ...order, progress: this.#progress } };
  }

  get snippets(): Tensor {
    return this.#snippets;
  }

  prepare({ index, examples }: Pick<Batch, 'index' | 'examples'>): void {
    const chosen = examples.map((example) => videos[example]!);
    const present = chosen.map(({ annotations }) => annotations.segments!.map(({ label }) => label));
    this.#labels.write(present.flatMap((names) => labels.map((label) => Number(names.includes(label)))));
    // An action is seen in two channels, one of each modality.
    this.#snippets.write(
      chosen.flatMap((_, b) =>
        Array.from({ length: steps * channels }, (_, i) => {
          const at = (Math.floor(i / channels) * 20) / steps;
          const action = labels.indexOf(present[b]![at < 8 ? 0 : 1]!);
          return i % 3 === action ? 1 : 0;
        }),
      ),
    );
    this.#batch.write(
      chosen.map(({ id }) => id),
      1,
      index,
    );
  }

  loss(turn: string): LossParts {
    const { guidance, base } = this.model;
    if (turn === 'reconstruct') return guidance.reconstructLoss(this.#snippets, this.operands);
    if (turn === 'mask') return guidance.maskLoss(this.#snippets, this.operands);
    const outputs: BaseOutputs = base.forward(this.#snippets);
    return {
      mil: softmaxMil(outputs.cas, this.#labels, 7, 1),
      ...guidance.baseLoss(this.#snippets, outputs, this.operands),
    };
  }

  dispose(): void {
    for (const one of [this.model, this.#batch, this.#snippets, this.#labels]) one.dispose();
  }
}

describe('MLLM4WTAL around a base', () => {
  it('matches differently by the priors of other videos', async () => {
    const task = new GuidedTask(new TinyBase(runtime, channels, classes), ordered, both);
    task.model.initialize(1);
    const matched = async (priors: SemanticPriors) => {
      using given = new GuidanceBatch(runtime, priors, { classes: labels, vectors }, ids, batch);
      task.prepare({ index: 0, examples: [0, 1, 2] });
      given.write(ids.slice(0, batch), 1, 0);
      const found = task.model.guidance.ksm!.forward(task.snippets, {
        ...given.operands,
        labels: task.operands.labels,
      });
      return read(found.attention);
    };
    const own = await matched(ordered);
    assert.deepEqual(await matched(standInPriors(videos, labels, 'classes')), own);
    assert.ok(relativeError(await matched(scrambledPriors(ordered, 1)), own) > 1e-3);
    task.dispose();
  });

  it('trains with CO2-Net: all three turns learn', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mllm4wtal-'));
    const base = new Co2Net(runtime, { channels, classes, width: 8, attentionWidth: 4 });
    const task = new GuidedTask(base, ordered, both);
    const seen: Readonly<Record<string, number>>[] = [];
    try {
      await train(task, {
        ...{ steps: 60, seed: 1, folder, settings: 'test', maxNorm: 10 },
        learningRate: () => 5e-3,
        groups: guidanceGroups(both, 'guidance', { peak: 4e-3, warmup: 20 }),
        onStep: ({ parts, learningRates, step }) => {
          seen.push(parts);
          if (step === 20) assert.deepEqual(Object.keys(learningRates).sort(), ['csr', 'default']);
        },
      });
    } finally {
      task.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
    const mean = (part: string, from: number) => {
      const values = seen.slice(from, from + 10).map((parts) => parts[part]!);
      return values.reduce((a, b) => a + b) / values.length;
    };
    for (const part of [
      'reconstruct.attended',
      'reconstruct.all',
      'mask.autoEncoder',
      'base.match',
      'base.mil',
    ]) {
      assert.ok(mean(part, 50) < 0.95 * mean(part, 0), `${part}: ${mean(part, 0)} to ${mean(part, 50)}`);
    }
  });
});
