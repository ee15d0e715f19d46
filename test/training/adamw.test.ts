import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { OptionError } from '../../src/errors.js';
import { AdamW, type AdamWOptions } from '../../src/training/adamw.js';
import {
  constantLearningRate,
  cosineLearningRate,
  inverseSquareRootLearningRate,
} from '../../src/training/learning-rate.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

/** PyTorch's AdamW, clip_grad_norm_ and a moving average, in double precision. */
function reference(
  weights: Record<string, Float64Array>,
  gradients: readonly Record<string, Float64Array>[],
  rates: readonly number[],
  {
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    maxNorm = Number.POSITIVE_INFINITY,
    average = 0,
  }: AdamWOptions,
  decayed: ReadonlySet<string>,
) {
  const state = Object.fromEntries(
    Object.entries(weights).map(([name, w]) => [
      name,
      { w: w.slice(), m: new Float64Array(w.length), v: new Float64Array(w.length), a: w.slice() },
    ]),
  );
  gradients.forEach((all, step) => {
    const norm = Math.sqrt(Object.values(all).reduce((sum, g) => sum + g.reduce((s, x) => s + x * x, 0), 0));
    if (!Number.isFinite(norm)) return;
    const clip = Math.min(1, maxNorm / (norm + 1e-6));
    for (const [name, { w, m, v, a }] of Object.entries(state)) {
      for (let i = 0; i < w.length; i++) {
        const g = clip * all[name]![i]!;
        m[i] = betas[0] * m[i]! + (1 - betas[0]) * g;
        v[i] = betas[1] * v[i]! + (1 - betas[1]) * g * g;
        const decay = decayed.has(name) ? weightDecay : 0;
        const [mean, square] = [m[i]! / (1 - betas[0] ** (step + 1)), v[i]! / (1 - betas[1] ** (step + 1))];
        w[i]! -= rates[step]! * (decay * w[i]! + mean / (Math.sqrt(square) + eps));
        a[i] = average * a[i]! + (1 - average) * w[i]!;
      }
    }
  });
  return state;
}

describe('AdamW', () => {
  for (const [name, options] of Object.entries<AdamWOptions>({
    'by default': {},
    'with decay, clipping and averages': { weightDecay: 0.1, maxNorm: 0.5, average: 0.9, betas: [0.8, 0.95] },
  })) {
    it(`follows PyTorch's rule ${name}`, async () => {
      const random = new Random(5);
      const shapes = { matrix: [37, 11], bias: [11], one: [1], long: [70_000] };
      const host: Record<string, Float64Array> = {};
      for (const [key, shape] of Object.entries(shapes)) {
        host[key] = Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
          Math.fround(random.normal()),
        );
      }
      const weights = Object.fromEntries(
        Object.entries(shapes).map(([key, shape]) => [key, runtime.tensor(host[key]!, shape)]),
      );
      const optimizer = new AdamW(weights, options);
      const rates = [0.1, 0.05, 0.02, 0.01];
      const steps = rates.map(() =>
        Object.fromEntries(
          Object.entries(host).map(([key, w]) => [
            key,
            Float64Array.from(w, () => Math.fround(random.normal())),
          ]),
        ),
      );
      // A step without numbers changes nothing.
      steps[2]!.bias![3] = Number.NaN;
      for (const [step, gradients] of steps.entries()) {
        optimizer.prepare(step, rates[step]!);
        runtime.scope(() =>
          optimizer.update(
            Object.fromEntries(
              Object.entries(shapes).map(([key, shape]) => [key, runtime.tensor(gradients[key]!, shape)]),
            ),
          ),
        );
      }
      const expected = reference(host, steps, rates, options, new Set(['matrix']));
      const state = await optimizer.state();
      for (const [key, weight] of Object.entries(weights)) {
        const { w, m, v, a } = expected[key]!;
        assert.ok(relativeError(await weight.read(), w) < 1e-6, `${key}: weight`);
        assert.ok(relativeError(state[`adam.m.${key}`]!.data, m) < 1e-6, `${key}: m`);
        assert.ok(relativeError(state[`adam.v.${key}`]!.data, v) < 1e-6, `${key}: v`);
        if (options.average)
          assert.ok(relativeError(state[`average.${key}`]!.data, a) < 1e-6, `${key}: average`);
      }
      optimizer.useAverage();
      if (options.average) {
        assert.ok(relativeError(await weights.matrix!.read(), expected.matrix!.a) < 1e-6);
      }
      optimizer.dispose();
    });
  }

  it('refuses what it cannot train', () => {
    const weight = runtime.tensor([1, 2]);
    assert.throws(() => new AdamW({}), OptionError);
    assert.throws(() => new AdamW({ ids: runtime.tensor([1], [1], 'u32') }), OptionError);
    assert.throws(() => new AdamW({ weight }, { betas: [1, 0.9] }), OptionError);
    const optimizer = new AdamW({ weight });
    assert.throws(() => optimizer.update({}), OptionError);
    optimizer.dispose();
  });
});

describe('learning rates', () => {
  it('rise and fall', () => {
    const rate = cosineLearningRate({ peak: 2, steps: 110, warmup: 10, floor: 1 });
    assert.deepEqual([rate(0), rate(9), rate(10), rate(60), rate(110), rate(500)], [0.2, 2, 2, 1.5, 1, 1]);
    assert.equal(constantLearningRate(3)(77), 3);
    const falling = inverseSquareRootLearningRate({ peak: 4, warmup: 100, initial: 2 });
    assert.deepEqual([0, 50, 100, 400].map(falling), [2, 3, 4, 2]);
    assert.throws(() => inverseSquareRootLearningRate({ peak: 1, warmup: 10, initial: 2 }), OptionError);
    assert.throws(() => cosineLearningRate({ peak: 0, steps: 10 }), OptionError);
    assert.throws(() => cosineLearningRate({ peak: 1, steps: 10, warmup: 10 }), OptionError);
    assert.throws(() => constantLearningRate(Number.NaN), OptionError);
  });
});
