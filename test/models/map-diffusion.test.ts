import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { add } from '../../src/ops/array/binary.js';
import { narrow } from '../../src/ops/array/slice.js';
import { Random } from '../../src/ops/random/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { MomentGolden, momentGoldenNames } from '../support/moment-golden.js';
import { testRuntime } from '../support/runtime.js';

// The models against PyTorch: small configurations whose answers map-diffusion-twin.py stored.
const runtime = await testRuntime();

/** Compares one thing after the other and says at the end how far off the worst was. */
class Comparison {
  #worst: readonly [error: number, name: string] = [0, 'nothing'];

  constructor(
    readonly golden: MomentGolden,
    readonly tolerance: number,
  ) {}

  /** `least`: what an error is measured against where the expected numbers are smaller. */
  async check(name: string, actual: ArrayLike<number>, least = 0): Promise<void> {
    const expected = await this.golden.numbers(name);
    assert.equal(actual.length, expected.length, name);
    const size = Math.hypot(...expected);
    const error = relativeError(actual, expected) * (size < least ? size / least : 1);
    assert.ok(error < this.tolerance, `${name} is off by ${error}`);
    if (error > this.#worst[0]) this.#worst = [error, name];
  }

  report(test: TestContext): void {
    test.diagnostic(`largest error ${this.#worst[0].toExponential(1)}, of ${this.#worst[1]}`);
  }
}

/** Random numbers that are given: one draw after the other. */
class GivenNoise extends Random {
  #next = 0;

  constructor(readonly noises: Tensor) {
    super(noises.runtime, 0);
  }

  override normal(shape: readonly number[]): Tensor {
    return narrow(this.noises, 0, this.#next++, 1).reshape(shape);
  }
}

for (const name of momentGoldenNames) {
  describe(`the model ${name}`, () => {
    it('encodes, denoises and samples as PyTorch does', async (test) => {
      const golden = await MomentGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-5);
      const { model, inputs, corruption } = golden;
      const condition = model.encode(inputs);
      for (const [k, { fused }] of condition.scales.entries()) {
        await comparison.check(`expected/fused.${k}`, await fused.read());
      }
      if (golden.config.head === 'single-pass') {
        await comparison.check('expected/map', await model.predict(condition).read());
      } else {
        const { noise, t } = corruption;
        const denoise = (state: Tensor, t: Tensor) => model.denoise(state, t, condition);
        await comparison.check('expected/step', await denoise(noise, t).read());
        const options = { steps: 10, clamp: [0, 1] } as const;
        const map = model.diffusion.sample(noise, denoise, options);
        await comparison.check('expected/map', await map.read());
        if (golden.stored.tensors.has('input/noises')) {
          const { shape } = await golden.stored.read('input/noises');
          const noises = runtime.tensor(await golden.numbers('input/noises'), shape);
          const random = new GivenNoise(noises);
          const noisy = model.diffusion.sample(noise, denoise, { ...options, eta: 0.5, random });
          await comparison.check('expected/noisyMap', await noisy.read());
        }
      }
      comparison.report(test);
    });

    it('has PyTorch’s loss in training, and leaves the same statistics', async (test) => {
      const golden = await MomentGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-5);
      const { model, inputs, targets, corruption } = golden;
      model.train();
      await comparison.check('expected/loss', await total(model.loss(inputs, targets, corruption)).read());
      const state = await model.state();
      const statistics = golden.names('after');
      assert.deepEqual(statistics.toSorted(), Object.keys(state).filter(isStatistic).toSorted());
      for (const name of statistics) await comparison.check(`after/${name}`, state[name]!.data);
      comparison.report(test);
    });

    it('has PyTorch’s gradients', async (test) => {
      const golden = await MomentGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-4);
      const { model, inputs, targets, corruption } = golden;
      model.train();
      const weights = model.weights();
      const names = golden.names('gradient');
      assert.deepEqual(names.toSorted(), Object.keys(weights).toSorted());
      const { gradients } = valueAndGrad(weights, () => total(model.loss(inputs, targets, corruption)));
      // Some gradients are sums of much larger terms that cancel, such as that of a bias before BatchNorm.
      const sizes = names.map(async (name) => Math.hypot(...(await golden.numbers(`gradient/${name}`))));
      const least = 1e-3 * Math.max(...(await Promise.all(sizes)));
      for (const name of names) {
        await comparison.check(`gradient/${name}`, await gradients[name]!.read(), least);
      }
      comparison.report(test);
    });
  });
}

/** The loss of which these are the parts. */
function total(parts: Readonly<Record<string, Tensor>>): Tensor {
  return Object.values(parts).reduce(add);
}

function isStatistic(name: string): boolean {
  return name.includes('.running_');
}
