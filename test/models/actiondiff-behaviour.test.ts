import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { HostRandom } from '../../src/data/host-random.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { type ActionDiffConfig, actionDiffConfigs } from '../../src/models/wtal/actiondiff/config.js';
import { DiffusionDraws } from '../../src/models/wtal/actiondiff/draws.js';
import { makeDiffusionBranch } from '../../src/models/wtal/actiondiff/make-branch.js';
import { MaskBank } from '../../src/models/wtal/actiondiff/mask-bank.js';
import { actionMask, classMask } from '../../src/models/wtal/actiondiff/masks.js';
import type { BaseOutputs } from '../../src/models/wtal/base.js';
import { Co2Net } from '../../src/models/wtal/bases/co2net.js';
import { objectiveLoss } from '../../src/models/wtal/objective.js';
import { Module } from '../../src/nn/module.js';
import { add } from '../../src/ops/array/binary.js';
import { Random } from '../../src/ops/random/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import type { Batch, LossParts, TrainingTask } from '../../src/training/training-task.js';
import { testRuntime } from '../support/runtime.js';

// What must change a result of the diffusion branch does, and what must not does not.
const runtime = await testRuntime();

const [batch, steps, classes, width] = [2, 12, 3, 6];
const decoder = { maps: 8, layers: 2, kernel: 3, timeEmbedding: 8, dropout: 0.1 };
const family: ActionDiffConfig = {
  ...actionDiffConfigs.family,
  decoder,
  mask: { kind: 'top-k', ratio: 3, median: true },
  sampling: { steps: 5, eta: 1, seed: 3 },
};
const latent: ActionDiffConfig = {
  ...actionDiffConfigs.latent,
  decoder,
  mask: { kind: 'top-k', ratio: 3, median: false },
  sampling: { steps: 5, eta: 1, seed: 3 },
  conditionWidth: 5,
};

const drawn = (seed: number, shape: readonly number[], low = -1): Tensor => {
  const random = new HostRandom(seed);
  const size = shape.reduce((a, b) => a * b);
  return runtime.tensor(
    Float32Array.from({ length: size }, () => low + (1 - low) * random.uniform()),
    shape,
  );
};

function baseOf(): { base: Co2Net; outputs: BaseOutputs } {
  const base = new Co2Net(runtime, { channels: 4, classes: classes + 1, width, attentionWidth: 4 });
  base.initialize(1);
  return { base, outputs: base.forward(drawn(2, [batch, steps, 4])) };
}

function branchOf(config: ActionDiffConfig) {
  const branch = makeDiffusionBranch(runtime, config, { classes: classes + 1, width });
  branch.initialize(5);
  return branch;
}

const labels = runtime.tensor([1, 0, 1, 0, 1, 0], [batch, classes]);

function bankOf(full: boolean): MaskBank {
  const bank = new MaskBank(runtime, { examples: 4, slots: 2, classes, steps, batch });
  bank.memory.masks.write(Float32Array.from({ length: 4 * 2 * steps }, (_, i) => +(i % 3 === 0)));
  if (full) bank.memory.visited.write(Float32Array.of(1, 1, 1, 1));
  bank.prepare([2, 0], [[0, 2], [1]]);
  return bank;
}

describe('denoising', () => {
  for (const config of [family, latent]) {
    it(`gives the same bits for the same seed, others for another (${config.mode})`, async () => {
      const { base, outputs } = baseOf();
      const branch = branchOf(config);
      const scores = async (sampling = {}) =>
        Array.from(await branch.denoise(base, outputs, sampling).videoScoreCas.read());
      const first = await scores();
      assert.deepEqual(await scores(), first);
      assert.notDeepEqual(await scores({ seed: 4 }), first);
      assert.notDeepEqual(await scores({ steps: 1 }), first);
      assert.notDeepEqual(await scores({ eta: 0 }), first);
      assert.ok(first.every(Number.isFinite));
    });

    it(`without η takes noise for the beginning only (${config.mode})`, async () => {
      const { base, outputs } = baseOf();
      const branch = branchOf(config);
      const start = drawn(7, [batch, branch.maskChannels, steps]);
      class StartOnly extends Random {
        #first = true;
        override normal(shape: readonly number[]): Tensor {
          const isStart = this.#first;
          this.#first = false;
          return isStart ? start.reshape(shape) : super.normal(shape);
        }
      }
      const scores = async (eta: number, seed: number) => {
        using random = new StartOnly(runtime, seed);
        return Array.from(await branch.denoise(base, outputs, { eta }, random).videoScoreCas.read());
      };
      assert.deepEqual(await scores(0, 1), await scores(0, 2));
      assert.notDeepEqual(await scores(1, 1), await scores(1, 2));
    });
  }

  it('leaves CAS and attention to the base in mode family, and changes both in mode latent', async () => {
    const { base, outputs } = baseOf();
    const read = (x: Tensor) => x.read();
    const kept = branchOf(family).denoise(base, outputs);
    assert.deepEqual(await read(kept.cas), await read(outputs.cas));
    assert.deepEqual(await read(kept.attention), await read(outputs.attention));
    assert.notDeepEqual(await read(kept.videoScoreCas), await read(outputs.cas));
    const changed = branchOf(latent).denoise(base, outputs);
    assert.notDeepEqual(await read(changed.cas), await read(outputs.cas));
    assert.notDeepEqual(await read(changed.attention), await read(outputs.attention));
  });

  it('refuses what does not fit', () => {
    const { base, outputs } = baseOf();
    const branch = branchOf(family);
    assert.throws(() => branch.denoise(base, { ...outputs, attention: outputs.cas }), ShapeError);
    assert.throws(() => branch.denoise(base, outputs, { steps: 0 }), OptionError);
    assert.throws(() => branch.denoise(base, outputs, { eta: 2 }), OptionError);
    const { cas } = outputs;
    const draws = new DiffusionDraws(branch, batch, steps, 1);
    assert.throws(
      () => branch.trainingLosses(base, outputs, { labels, ...draws.draw() }),
      /needs the operand bank/,
    );
    assert.equal(cas.isDisposed, false);
    assert.throws(() => branchOf({ ...family, blend: 1 } as never), /blend/);
    assert.throws(() => branchOf({ ...latent, inference: 'zero' } as never), /inference/);
    assert.throws(() => branchOf({ ...family, mask: { kind: 'clustered', ratio: 2 } } as never), /ratio/);
    assert.throws(() => branchOf({ ...family, decoder: { ...decoder, kernel: 4 } }), /kernel/);
  });
});

describe('a training step', () => {
  const gradientsOf = async (config: ActionDiffConfig) => {
    const { base, outputs } = baseOf();
    const branch = branchOf(config);
    branch.train();
    const draws = new DiffusionDraws(branch, batch, steps, 1);
    draws.prepare(0);
    const bank = bankOf(true);
    // All kinds of conditions at once.
    const gate = runtime.tensor([0.3, 0.3, 0.4, 0.3, 0.3, 0.4], [batch, 3]);
    const { cas, attention, features } = outputs;
    const { gradients } = valueAndGrad({ cas, attention, features }, () => {
      const operands = { labels, ...draws.draw(), gate, bank };
      const { parts } = branch.trainingLosses(base, outputs, operands);
      return Object.values(parts)
        .map((x) => x.reshape([]))
        .reduce(add);
    });
    const norm = async (x: Tensor) => Math.hypot(...(await x.read()));
    return {
      sequence: await norm(config.mode === 'family' ? gradients.cas : gradients.features),
      attention: await norm(gradients.attention),
    };
  };

  for (const mode of ['family', 'latent'] as const) {
    // Without the losses that are meant to draw the attention.
    const config: ActionDiffConfig =
      mode === 'family'
        ? { ...family, conditions: ['full', 'action'] }
        : { ...latent, weights: { mask: 1, smoothness: 1, attention: 0, reverse: 0 } };
    it(`reaches the base through the condition, unless that is detached (${mode})`, async () => {
      const attached = await gradientsOf(config);
      assert.ok(attached.sequence > 0 && attached.attention > 0);
      assert.deepEqual(await gradientsOf({ ...config, detached: true }), { sequence: 0, attention: 0 });
    });
  }

  it('without a full bank leaves the CAS alone and learns nothing', async () => {
    const { base, outputs } = baseOf();
    const branch = branchOf(family);
    const draws = new DiffusionDraws(branch, batch, steps, 1);
    draws.prepare(0);
    const step = (bank: MaskBank) => branch.trainingLosses(base, outputs, { labels, ...draws.draw(), bank });
    const before = step(bankOf(false));
    assert.deepEqual(await before.outputs[0]!.cas.read(), await outputs.cas.read());
    assert.deepEqual([...(await before.parts.diffusion!.read())], [0]);
    const after = step(bankOf(true));
    assert.notDeepEqual(await after.outputs[0]!.cas.read(), await outputs.cas.read());
    assert.ok((await after.parts.diffusion!.read())[0]! > 0);
  });

  it('draws each kind of condition as often as it is listed, and times from 0 to 999', async () => {
    const branch = branchOf({ ...latent, conditions: ['full', 'action', 'zero', 'zero'] });
    const draws = new DiffusionDraws(branch, 2, steps, 9);
    const counts: Record<string, number> = {};
    let [least, most] = [1000, 0];
    const count = 300;
    for (let step = 0; step < count; step++) {
      draws.prepare(step);
      const { gate, t } = draws.draw();
      const [shares, times] = await Promise.all([gate.read(), t.read()]);
      assert.equal(times[0], times[1]);
      counts[shares.join('')] = (counts[shares.join('')] ?? 0) + 1;
      least = Math.min(least, times[0]!);
      most = Math.max(most, times[0]!);
    }
    assert.deepEqual(Object.keys(counts).toSorted(), ['000000', '010010', '100100']);
    assert.ok(Math.abs(counts['000000']! - count / 2) < 40, String(counts['000000']));
    assert.ok(least < 40 && most > 960 && most < 1000, `${least} to ${most}`);
    const noise = async () => {
      draws.prepare(5);
      return Array.from(await draws.draw().noise.read());
    };
    assert.deepEqual(await noise(), await noise());
  });
});

describe('masks', () => {
  const outputs = (cas: Tensor, attention: Tensor): BaseOutputs => ({
    ...{ cas, attention, features: cas },
    modalAttentions: [],
    actionness: [],
    reconstructions: [],
  });
  const config = { kind: 'top-k', ratio: 3, median: false } as const;

  it('hold ⌊T / ratio⌋ snippets of each class, and with the median no single ones', async () => {
    const given = outputs(drawn(3, [batch, 31, classes + 1]), drawn(4, [batch, 31], 0));
    const found = await classMask(given, config).read();
    const smooth = await classMask(given, { ...config, median: true }).read();
    for (let video = 0; video < batch; video++) {
      for (let c = 0; c <= classes; c++) {
        const at = (mask: ArrayLike<number>, t: number) => mask[(video * 31 + t) * (classes + 1) + c] ?? 0;
        const all = Array.from({ length: 31 }, (_, t) => at(found, t));
        assert.equal(
          all.reduce((a, b) => a + b),
          10,
        );
        all.forEach((_, t) => {
          const [before, after] = [t > 0 ? all[t - 1]! : 0, t < 30 ? all[t + 1]! : 0];
          assert.equal(at(smooth, t), +(before + all[t]! + after >= 2));
        });
      }
    }
  });

  it('of the action are those of the classes that the video has', async () => {
    // Class 0 fills the first half, class 1 the second.
    const cas = runtime.tensor(
      Float32Array.from({ length: 12 * 4 }, (_, i) => 4 * +(i % 4 === (i < 24 ? 0 : 1)) - 0.01 * (i / 48)),
      [1, 12, 4],
    );
    const given = outputs(cas, runtime.tensor(new Float32Array(12).fill(0.5), [1, 12]));
    for (const [own, first] of [
      [[1, 0, 0], true],
      [[0, 1, 0], false],
    ] as const) {
      for (const kind of [config, { kind: 'clustered', intervals: 1 } as const]) {
        const mask = Array.from(await actionMask(given, runtime.tensor(own, [1, 3]), kind).read());
        const halves = [mask.slice(0, 6), mask.slice(6)].map((half) => half.reduce((a, b) => a + b));
        assert.ok(first ? halves[0]! > 0 && halves[1] === 0 : halves[0] === 0 && halves[1]! > 0, `${mask}`);
      }
    }
  });
});

describe('the bank of masks', () => {
  it('gives back what was kept, of the classes of each example only', async () => {
    const bank = new MaskBank(runtime, { examples: 3, slots: 2, classes, steps: 2, batch: 2 });
    const masks = runtime.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, classes, 2]);
    assert.deepEqual([...(await bank.full().read())], [0]);
    bank.prepare([2, 0], [[0, 2], [1]]);
    bank.write(masks);
    assert.deepEqual([...(await bank.read().read())], [1, 2, 0, 0, 5, 6, 0, 0, 9, 10, 0, 0]);
    assert.deepEqual([...(await bank.memory.visited.read())], [1, 0, 1]);
    bank.prepare([1, 2], [[0], [0, 2]]);
    assert.deepEqual([...(await bank.read().read())], [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 5, 6]);
    bank.write(masks);
    assert.deepEqual([...(await bank.full().read())], [1]);
  });

  it('keeps the first of an example that stands twice in a step', async () => {
    const bank = new MaskBank(runtime, { examples: 2, slots: 1, classes: 1, steps: 1, batch: 2 });
    bank.prepare([1, 1], [[0], [0]]);
    bank.write(runtime.tensor([5, 6], [2, 1, 1]));
    assert.deepEqual([...(await bank.memory.masks.read())], [0, 5]);
  });

  it('refuses what does not fit', () => {
    const bank = new MaskBank(runtime, { examples: 2, slots: 1, classes: 2, steps: 1, batch: 1 });
    assert.throws(() => bank.prepare([2], [[0]]), OptionError);
    assert.throws(() => bank.prepare([0], [[2]]), OptionError);
    assert.throws(() => bank.prepare([0, 1], [[0], [0]]), OptionError);
    assert.throws(() => bank.prepare([0], [[0, 1]]), OptionError);
  });
});

const objective = { binaryMil: { weight: 1, snippets: 4, attended: true } };

/** A base and a branch, trained together. */
class Both extends Module {
  readonly base = this.child(
    'base',
    new Co2Net(this.runtime, { channels: 4, classes: 4, width, attentionWidth: 4 }),
  );
  readonly branch;
  constructor(config: ActionDiffConfig) {
    super(runtime);
    this.branch = this.child('branch', makeDiffusionBranch(runtime, config, { classes: 4, width }));
  }
}

class Task implements TrainingTask {
  readonly model;
  readonly sampler = shuffledBatches(4, batch);
  readonly memory;
  readonly #bank = new MaskBank(runtime, { examples: 4, slots: 1, classes, steps, batch });
  readonly #draws;
  readonly #snippets = runtime.zeros([batch, steps, 4]);
  readonly #labels = runtime.zeros([batch, classes]);

  constructor(config: ActionDiffConfig) {
    this.model = new Both(config);
    this.#draws = new DiffusionDraws(this.model.branch, batch, steps, 1);
    this.memory = this.#bank.memory;
  }

  prepare({ index, examples }: Batch): void {
    const labelOf = (example: number) => example % classes;
    this.#bank.prepare(
      examples,
      examples.map((example) => [labelOf(example)]),
    );
    this.#draws.prepare(index);
    const random = examples.map((example) => new HostRandom(example));
    const each = steps * 4;
    this.#snippets.write(
      Float32Array.from({ length: batch * each }, (_, i) => random[Math.floor(i / each)]!.normal()),
    );
    this.#labels.write(
      Float32Array.from(
        { length: batch * classes },
        (_, i) => +(labelOf(examples[Math.floor(i / classes)]!) === i % classes),
      ),
    );
  }

  loss(): LossParts {
    const { base, branch } = this.model;
    const labels = this.#labels;
    return runtime.scope(() => {
      const found = base.forward(this.#snippets);
      const operands = { ...this.#draws.draw(), labels, bank: this.#bank };
      const { outputs, parts } = branch.trainingLosses(base, found, operands);
      const all: Record<string, Tensor> = { ...parts };
      outputs.forEach((each, i) => {
        for (const [name, part] of Object.entries(objectiveLoss(each, { labels }, objective))) {
          all[`${name}${i}`] = part;
        }
      });
      return all;
    });
  }
}

describe('training', () => {
  for (const config of [family, latent]) {
    it(`begins when the bank is full, and goes on with the same bits (${config.mode})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tal-actiondiff-'));
      try {
        const run = async (name: string, stops: readonly number[]) => {
          const parts: Readonly<Record<string, number>>[] = [];
          const task = new Task(config);
          for (const stop of [...stops, Infinity]) {
            const stopped = new AbortController();
            await train(stop === Infinity ? task : new Task(config), {
              ...{
                steps: 6,
                seed: 1,
                folder: join(folder, name),
                settings: 'test',
                learningRate: constantLearningRate(1e-2),
              },
              signal: stopped.signal,
              onStep: (progress) => {
                parts.push(progress.parts);
                if (progress.step === stop) stopped.abort();
              },
            });
          }
          const state = await task.model.state();
          return { parts, state: Object.entries(state).map(([key, { data }]) => [key, Array.from(data)]) };
        };
        const whole = await run('whole', []);
        const parted = await run('parted', [3]);
        assert.deepEqual(parted.parts, whole.parts);
        assert.deepEqual(parted.state, whole.state);
        assert.ok(whole.parts.every((parts) => Object.values(parts).every(Number.isFinite)));
        if (config.mode === 'family') {
          // Two steps see all four videos.
          const begun = whole.parts.map(({ diffusion }) => diffusion! > 0);
          assert.deepEqual(begun, [false, false, true, true, true, true]);
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});
