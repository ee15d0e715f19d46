import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { FileFormatError, NotFiniteError } from '../../src/errors.js';
import { Dropout } from '../../src/nn/dropout.js';
import { Linear } from '../../src/nn/linear.js';
import { Module } from '../../src/nn/module.js';
import { BatchNorm1d } from '../../src/nn/norm.js';
import { sub } from '../../src/ops/array/binary.js';
import { mean } from '../../src/ops/array/reduce.js';
import { square } from '../../src/ops/array/unary.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import type { TrainingOptions } from '../../src/training/training-options.js';
import type { Batch, LossParts, TrainingTask } from '../../src/training/training-task.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const folder = await mkdtemp(join(tmpdir(), 'tal-train-'));
after(() => rm(folder, { recursive: true, force: true }));

class Net extends Module {
  readonly first = this.child('first', new Linear(this.runtime, 3, 8));
  readonly norm = this.child('norm', new BatchNorm1d(this.runtime, 8));
  readonly dropout = this.child('dropout', new Dropout(this.runtime, 0.1));
  readonly last = this.child('last', new Linear(this.runtime, 8, 1));

  forward(x: Tensor): Tensor {
    const hidden = this.norm.forward(this.first.forward(x, { activation: 'tanh' }));
    return this.last.forward(this.dropout.forward(hidden));
  }
}

/** Fits y = x0 + 2 x1 - x2, examples made from their numbers. */
class Fit implements TrainingTask {
  readonly model = new Net(runtime);
  readonly sampler = shuffledBatches(50, 8);
  readonly x = runtime.zeros([8, 3]);
  readonly y = runtime.zeros([8, 1]);
  readonly seen: number[] = [];

  prepare({ examples }: Batch): void {
    this.seen.push(...examples);
    const x = examples.flatMap((index) => {
      const random = new HostRandom(index);
      return [random.normal(), random.normal(), random.normal()];
    });
    this.x.write(x);
    this.y.write(examples.map((_, i) => x[3 * i]! + 2 * x[3 * i + 1]! - x[3 * i + 2]!));
  }

  loss(): LossParts {
    return { error: mean(square(sub(this.model.forward(this.x), this.y))) };
  }
}

const options = (name: string): TrainingOptions => ({
  steps: 40,
  seed: 3,
  learningRate: constantLearningRate(0.02),
  folder: join(folder, name),
  settings: 'fit',
  average: 0.9,
});

describe('train', () => {
  it('lowers the loss, and sees each example once an epoch', async () => {
    const task = new Fit();
    const losses: number[] = [];
    assert.ok(await train(task, { ...options('plain'), onStep: ({ loss }) => losses.push(loss) }));
    const average = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    assert.ok(average(losses.slice(-8)) < 0.5 * average(losses.slice(0, 8)), losses.join());
    for (const epoch of [0, 1]) {
      assert.deepEqual(new Set(task.seen.slice(50 * epoch, 50 * (epoch + 1))).size, 50);
    }
    assert.notDeepEqual(task.seen.slice(0, 50), task.seen.slice(50, 100));
  });

  it('that is stopped goes on, and ends with the same weights bit for bit', async () => {
    const whole = new Fit();
    assert.ok(await train(whole, options('whole')));
    const wanted = await whole.model.state();
    for (const stops of [[1], [13, 14, 29]]) {
      const name = `stopped-${stops}`;
      for (const stop of stops) {
        const stopped = new AbortController();
        const onStep = ({ step }: { step: number }) => step === stop && stopped.abort();
        assert.equal(await train(new Fit(), { ...options(name), signal: stopped.signal, onStep }), false);
        // What a run that was killed after its last state would leave behind.
        await appendFile(join(folder, name, 'log.jsonl'), '{"step":99,"loss":1}\n{"ste');
      }
      const last = new Fit();
      assert.ok(await train(last, options(name)));
      assert.deepEqual(await last.model.state(), wanted);
      const log = (await readFile(join(folder, name, 'log.jsonl'), 'utf8')).trim().split('\n');
      assert.deepEqual(
        log.map((line) => JSON.parse(line).step),
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
    }
  });

  it('ends with the same bits where gradients were larger on their way', async () => {
    const task = Object.assign(new Fit(), { gradientScale: 2 ** 10 });
    assert.ok(await train(task, options('scaled')));
    const plain = new Fit();
    assert.ok(await train(plain, options('not scaled')));
    assert.deepEqual(await task.model.state(), await plain.model.state());
    const losses = async (name: string) =>
      (await readFile(join(folder, name, 'log.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).loss);
    assert.deepEqual(await losses('scaled'), await losses('not scaled'));
  });

  it('that is done stays done', async () => {
    const task = new Fit();
    assert.ok(await train(task, options('whole')));
    assert.equal(task.seen.length, 0);
  });

  it('refuses a state that is damaged or of another run, and a loss that stays NaN', async () => {
    const other = train(new Fit(), { ...options('whole'), settings: 'another' });
    await assert.rejects(other, FileFormatError);
    const path = join(folder, 'whole', 'state.safetensors');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 5));
    await assert.rejects(train(new Fit(), options('whole')), FileFormatError);
    const broken = new Fit();
    broken.prepare = () => broken.x.write(new Float32Array(24).fill(Number.NaN));
    await assert.rejects(train(broken, options('broken')), NotFiniteError);
  });
});
