import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import { add } from '../../src/ops/array/binary.js';
import { mean } from '../../src/ops/array/reduce.js';
import { scaleShift, square } from '../../src/ops/array/unary.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { SGD } from '../../src/training/sgd.js';
import { train } from '../../src/training/train.js';
import type {
  TrainingOptions,
  TrainingProgress,
  ValidationResult,
} from '../../src/training/training-options.js';
import type { LossParts } from '../../src/training/training-task.js';
import { testRuntime } from '../support/runtime.js';
import { TwoTurns } from '../support/two-turns.js';

const runtime = await testRuntime();
const folder = await mkdtemp(join(tmpdir(), 'tal-turns-'));
after(() => rm(folder, { recursive: true, force: true }));

let runs = 0;
const options = (more: Partial<TrainingOptions> = {}): TrainingOptions => ({
  ...{ steps: 6, seed: 3, learningRate: constantLearningRate(0.05), settings: 'turns' },
  folder: join(folder, `run-${runs++}`),
  ...more,
});

const linesOf = async ({ folder }: TrainingOptions) =>
  (await readFile(join(folder, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const chosen = (weights: Record<string, Tensor>, test: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => test(name)));

describe('train with turns', () => {
  it('does what a loop of its own would do', async () => {
    const task = new TwoTurns(runtime);
    await train(task, options({ optimizer: { kind: 'sgd', momentum: 0.9 } }));

    const own = new TwoTurns(runtime);
    const model = own.model.initialize(3).train();
    const weights = model.weights();
    const mine = {
      other: chosen(weights, (name) => name.startsWith('other.')),
      base: chosen(weights, (name) => !name.startsWith('other.')),
    };
    const optimizers = {
      other: new SGD(mine.other, { momentum: 0.9 }),
      base: new SGD(mine.base, { momentum: 0.9 }),
    };
    for (let step = 0; step < 6; step++) {
      for (const [number, turn] of (['other', 'base'] as const).entries()) {
        if (turn === 'base' && step % 2 === 1) continue;
        const examples = own.sampler(step, 3);
        own.prepare({ index: step, examples, turn, loaded: await own.load(step, examples) });
        model.seedRandom(3, 2 * step + number);
        optimizers[turn].prepare(0.05);
        runtime.scope(() => {
          const { gradients } = valueAndGrad(mine[turn], () => Object.values(own.loss(turn)).reduce(add));
          optimizers[turn].update(gradients);
        });
      }
    }
    assert.deepEqual(await task.model.state(), await model.state());
  });

  it('logs the parts of each turn, of which the loss is the sum, and the rates of the groups that moved', async () => {
    const progress: TrainingProgress[] = [];
    const run = options({
      groups: [{ name: 'slow', weights: ['encoder'], learningRate: constantLearningRate(0.001) }],
      onStep: (step) => progress.push(step),
    });
    await train(new TwoTurns(runtime), run);
    const [first, second] = await linesOf(run);
    assert.deepEqual(Object.keys(first.parts), [
      'other.fit',
      'other.pull',
      'base.fit',
      'base.pull',
      'base.drift',
    ]);
    assert.deepEqual(Object.keys(second.parts), ['other.fit', 'other.pull']);
    for (const { loss, parts } of [first, second]) {
      const sum = Object.values<number>(parts).reduce((a, b) => a + b);
      assert.ok(Math.abs(loss - sum) < 1e-12);
    }
    assert.deepEqual(first.learningRates, { default: 0.05, slow: 0.001 });
    assert.deepEqual(second.learningRates, { default: 0.05 });
    assert.deepEqual(progress[0]!.parts, first.parts);
  });

  it('leaves what is frozen, and moves a group by its own optimizer', async () => {
    const task = new TwoTurns(runtime);
    await train(
      task,
      options({
        steps: 2,
        frozen: ['encoder', 'base.bias'],
        groups: [
          {
            name: 'still',
            weights: ['other.linear.bias'],
            learningRate: () => 0,
            optimizer: { kind: 'sgd' },
          },
        ],
      }),
    );
    const before = await new TwoTurns(runtime).model.initialize(3).state();
    const after = await task.model.state();
    const moved = Object.keys(after).filter(
      (name) => String(after[name]!.data) !== String(before[name]!.data),
    );
    assert.deepEqual(moved.toSorted(), ['base.weight', 'other.linear.weight']);
  });

  it('clips the gradients of all groups of a turn by their common norm', async () => {
    // SGD with rate 1 moves by the clipped gradient.
    const moves = async (groups?: TrainingOptions['groups']) => {
      const task = new TwoTurns(runtime);
      const run = {
        steps: 1,
        maxNorm: 0.01,
        optimizer: { kind: 'sgd' },
        learningRate: constantLearningRate(1),
      } as const;
      await train(task, options(groups ? { ...run, groups } : run));
      return task.model.state();
    };
    const together = await moves();
    const apart = await moves([{ name: 'encoder', weights: ['encoder'] }]);
    for (const name of Object.keys(together)) {
      const [a, b] = [together[name]!.data, apart[name]!.data];
      a.forEach((value, i) => {
        assert.ok(Math.abs(value - b[i]!) < 1e-7, name);
      });
    }
  });

  it('changes nothing of a turn where a gradient of one of its groups is no number', async () => {
    const broken = new TwoTurns(runtime);
    broken.loss = () => {
      const weights = broken.model.weights();
      return {
        sound: mean(square(weights['base.weight']!)),
        broken: mean(scaleShift(weights['encoder.weight']!, Number.NaN, 0)),
      };
    };
    // The decay would move weights without a gradient.
    const optimizer = { kind: 'adamw', weightDecay: 0.5 } as const;
    await train(
      broken,
      options({ steps: 1, optimizer, groups: [{ name: 'encoder', weights: ['encoder'] }] }),
    );
    const { 'other.linear.weight': _, 'other.linear.bias': __, ...own } = await broken.model.state();
    const initial = await new TwoTurns(runtime).model.initialize(3).state();
    for (const [name, { data }] of Object.entries(own)) assert.deepEqual(data, initial[name]!.data, name);
  });
});

describe('train with accumulation', () => {
  it('is a larger batch', async () => {
    const trained = async (batch: number, accumulate: number) => {
      const task = new TwoTurns(runtime, batch);
      // Dropout draws other masks for another batch, and what the task remembers is a mean of batches.
      Object.defineProperty(task.model.other.dropout, 'forward', {
        value: (x: Tensor) => x.reshape(x.shape),
      });
      task.loss = (turn) => {
        const { drift, ...rest } = TwoTurns.prototype.loss.call(task, turn);
        return rest as LossParts;
      };
      const run = options({ accumulate, optimizer: { kind: 'sgd' }, maxNorm: 1 });
      await train(task, run);
      return { state: await task.model.state(), lines: await linesOf(run) };
    };
    const large = await trained(8, 1);
    const small = await trained(2, 4);
    for (const [name, { data }] of Object.entries(large.state)) {
      data.forEach((value, i) => {
        assert.ok(Math.abs(value - small.state[name]!.data[i]!) < 1e-5, `${name}: ${value}`);
      });
    }
    large.lines.forEach(({ loss }, i) => {
      assert.ok(Math.abs(loss - small.lines[i].loss) < 1e-4, `loss ${loss}, ${small.lines[i].loss}`);
    });
  });
});

describe('train with validation', () => {
  /** A metric that is best after step 4. */
  const measured = (task: TwoTurns, better: 'higher' | 'lower', more: Partial<TrainingOptions> = {}) => {
    const seen: { step: number; training: boolean; weight: number }[] = [];
    const results: ValidationResult[] = [];
    const run = options({
      average: 0.8,
      onValidation: (result) => results.push(result),
      validation: {
        every: 2,
        validate: async (step) => {
          const [weight] = await task.model.base.weights().bias!.read();
          seen.push({ step, training: task.model.training, weight: weight! });
          return { score: (better === 'lower' ? 1 : -1) * Math.abs(step - 4) + 0, other: Number.NaN };
        },
        best: { metric: 'score', better },
      },
      ...more,
    });
    return { run, seen, results };
  };

  for (const better of ['higher', 'lower'] as const) {
    it(`keeps the averaged weights of the best, ${better} being better, and changes no other weight`, async () => {
      const task = new TwoTurns(runtime);
      const { run, seen, results } = measured(task, better);
      await train(task, run);
      assert.deepEqual(
        seen.map(({ step, training }) => [step, training]),
        [2, 4, 6].map((step) => [step, false]),
      );
      assert.deepEqual(
        results.map(({ best }) => best),
        [true, true, false],
      );
      const file = await openSafetensors(join(run.folder, 'best.safetensors'));
      assert.deepEqual([...toFloat32(await file.read('base.bias'))], [seen[1]!.weight]);
      await file.close();
      const lines = (await linesOf(run)).filter(({ validation }) => validation);
      assert.deepEqual(lines[1], { step: 4, validation: { score: 0, other: null } });

      const plain = new TwoTurns(runtime);
      await train(plain, options({ average: 0.8 }));
      assert.deepEqual(await task.model.state(), await plain.model.state());
    });
  }

  it('ends with the best weights where it is asked to, also after another start', async () => {
    const task = new TwoTurns(runtime);
    const { run, seen } = measured(task, 'lower');
    const ending = { ...run, validation: { ...run.validation!, endWithBest: true } };
    for (const model of [task, new TwoTurns(runtime)]) {
      await train(model, ending);
      const [bias] = await model.model.base.weights().bias!.read();
      assert.equal(bias, seen[1]!.weight);
    }
  });

  it('saves what was done before a validation that throws, and validates again', async () => {
    const task = new TwoTurns(runtime);
    const { run, seen } = measured(task, 'lower');
    const { validate } = run.validation!;
    const failing = {
      ...run,
      validation: {
        ...run.validation!,
        validate: (step: number) => {
          if (step === 4) throw new Error('no such file');
          return validate(step);
        },
      },
    };
    await assert.rejects(train(task, failing), /no such file/);
    assert.equal((await linesOf(run)).at(-1).step, 4);
    const again = new TwoTurns(runtime);
    const { seen: later, run: rest } = measured(again, 'lower', { folder: run.folder });
    await train(again, rest);
    assert.deepEqual(
      [...seen, ...later].map(({ step }) => step),
      [2, 4, 6],
    );
  });

  it('refuses metrics without the one that tells', async () => {
    const { run } = measured(new TwoTurns(runtime), 'lower');
    const validation = { every: 2, validate: () => ({ recall: 1 }), best: run.validation!.best! };
    await assert.rejects(
      train(new TwoTurns(runtime), { ...run, validation }),
      /must give score, .*, not recall/,
    );
  });
});

describe('train', () => {
  it('reads ahead: two batches at most, each once, in order', async () => {
    const task = new TwoTurns(runtime);
    const begun: number[] = [];
    let held = 0;
    let most = 0;
    task.load = async (index, examples) => {
      begun.push(index);
      held++;
      most = Math.max(most, held);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return TwoTurns.prototype.load.call(task, index, examples);
    };
    task.prepare = (batch) => {
      assert.deepEqual(batch.examples, task.sampler(batch.index, 3));
      if (batch.turn === 'other') held--;
      TwoTurns.prototype.prepare.call(task, batch);
    };
    await train(task, options());
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5]);
    assert.ok(most <= 2);
  });

  it('waits for `prepare`, which may read what the replay before wrote', async () => {
    const task = new TwoTurns(runtime);
    const seen: number[] = [];
    task.prepare = async (batch) => {
      seen.push((await task.memory.seen.read())[0]!);
      TwoTurns.prototype.prepare.call(task, batch);
    };
    await train(task, options({ steps: 3 }));
    // Before the turns of steps 0, 1 and 2; the base has its turn in steps 0 and 2.
    const [a, b, c, d, e] = seen;
    assert.equal(a, 0);
    assert.equal(b, 0);
    assert.notEqual(c, 0);
    assert.equal(d, c);
    assert.equal(e, c);
  });

  it('draws its log as a page', async () => {
    const run = options();
    await train(new TwoTurns(runtime), run);
    const page = await readFile(join(run.folder, 'curves.html'), 'utf8');
    assert.match(page, /Step 6 of 6, done/);
    assert.match(page, /aria-label="base.pull"/);
    assert.doesNotMatch(page, /http-equiv="refresh"/);
  });

  it('refuses what it cannot do', async () => {
    const rejects = (more: Partial<TrainingOptions>, message: RegExp, task = new TwoTurns(runtime)) =>
      assert.rejects(train(task, options(more)), (error: Error) => {
        assert.ok(error instanceof OptionError, String(error));
        assert.match(error.message, message);
        return true;
      });
    const changed = (fields: object) => Object.assign(new TwoTurns(runtime), fields);
    await rejects(
      { groups: [{ name: 'a', weights: ['encodr'] }] },
      /no trained weight begins with encodr, did you mean encoder\?/,
    );
    await rejects({ groups: [{ name: 'default', weights: ['encoder'] }] }, /the name default is taken/);
    await rejects({ average: 0.9, optimizer: { kind: 'sgd' } }, /average must be left out with SGD/);
    await rejects({ accumulate: 0 }, /accumulate must be an integer of at least 1/);
    await rejects({ optimizer: { kind: 'adamw', decay: 1 } as never }, /unknown field optimizer.decay/);
    await rejects(
      { validation: { every: 1, validate: () => ({}), endWithBest: true } },
      /validation\.best must say which weights are the best/,
    );
    await rejects(
      { validation: { every: 1, validate: () => ({ a: 'x' }) as never } },
      /a must be a number, not "x"/,
    );
    await rejects(
      {},
      /no turn has base\.bias: name it in one, or in frozen/,
      changed({
        turns: [
          { name: 'other', weights: ['other'] },
          { name: 'base', weights: ['encoder', 'base.weight'] },
        ],
      }),
    );
    await rejects({}, /two turns with the name a/, changed({ turns: [{ name: 'a' }, { name: 'a' }] }));
    await rejects({}, /no turn that runs in step 0/, changed({ turns: [{ name: 'a', runs: () => false }] }));
    await rejects({}, /must give an object of tensors by name/, changed({ loss: () => runtime.tensor([1]) }));
    await rejects(
      {},
      /fit must be an f32 tensor of one element, not/,
      changed({ loss: () => ({ fit: runtime.tensor([1, 2]) }) }),
    );
    await rejects({}, /at least one part/, changed({ loss: () => ({}) }));
    await rejects({}, /task\.sampler\(0, 3\)/, changed({ sampler: () => [] }));
    await rejects({}, /memory/, changed({ memory: { seen: runtime.zeros([1], 'u32') } }));
  });

  it('refuses the state of an earlier version, of other groups, and one without its memory', async () => {
    const run = options();
    await train(new TwoTurns(runtime), run);
    const path = join(run.folder, 'state.safetensors');
    const again = (more: Partial<TrainingOptions> = {}) => train(new TwoTurns(runtime), { ...run, ...more });
    const refused = (pattern: RegExp, running: Promise<unknown>) =>
      assert.rejects(
        running,
        (error: Error) => error instanceof FileFormatError && pattern.test(error.message),
      );
    await refused(/another accumulate \(1, now 2\)/, again({ accumulate: 2 }));
    await refused(/another turns/, again({ groups: [{ name: 'slow', weights: ['encoder'] }] }));
    const forgetful = Object.assign(new TwoTurns(runtime), { memory: { bank: runtime.zeros([1]) } });
    await refused(/no memory\.bank/, train(forgetful, run));
    await writeFile(path, encodeSafetensors({}, { step: '3', settings: 'turns' }));
    await refused(/earlier version/, again());
  });
});
