import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../src/errors.js';
import { SGD, type SgdOptions } from '../../src/training/sgd.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

const initial = [1, -2, 0.5, 3];
const gradientsOfSteps = [
  [0.5, -1, 2, 0],
  [1, 1, -1, 0.5],
  [-0.5, 0.25, 1, -2],
];

/** The loop of PyTorch's `torch.optim.SGD` documentation, with clip_grad_norm_ before it, in double precision. */
function reference({
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
  maxNorm = Infinity,
}: SgdOptions): number[] {
  let weights = [...initial];
  let buffer: number[] | undefined;
  for (const gradients of gradientsOfSteps) {
    const clip = Math.min(1, maxNorm / (Math.hypot(...gradients) + 1e-6));
    let direction = gradients.map((gradient, i) => clip * gradient + weightDecay * weights[i]!);
    if (momentum !== 0) {
      const before = buffer;
      // The first step takes the gradient as it is.
      const next = before ? direction.map((g, i) => momentum * before[i]! + g) : direction;
      buffer = next;
      direction = nesterov ? direction.map((g, i) => g + momentum * next[i]!) : next;
    }
    weights = weights.map((weight, i) => weight - 0.1 * direction[i]!);
  }
  return weights;
}

async function trained(options: SgdOptions, shape = [2, 2]): Promise<number[]> {
  const weight = runtime.tensor(initial, shape);
  using optimizer = new SGD({ weight }, options);
  const gradient = runtime.tensor(gradientsOfSteps[0]!, shape);
  optimizer.prepare(0.1);
  using step = await runtime.capture(() => optimizer.update({ weight: gradient }));
  for (const gradients of gradientsOfSteps) {
    gradient.write(gradients);
    step.run();
  }
  return [...(await weight.read())];
}

function near(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${actual} is not ${expected}`);
  });
}

describe('SGD', () => {
  for (const options of [
    {},
    { momentum: 0.9 },
    { momentum: 0.9, nesterov: true },
    { momentum: 0.8, nesterov: true, weightDecay: 0.1, maxNorm: 1.5 },
    { weightDecay: 0.1 },
  ]) {
    it(`follows PyTorch's rule, captured, with ${JSON.stringify(options)}`, async () => {
      near(await trained(options), reference(options));
    });
  }

  it('is right by hand: 1, gradient 0.5 then 1, momentum 0.9, rate 0.1', async () => {
    // b = 0.5: 1 - 0.05 = 0.95; b = 0.45 + 1 = 1.45: 0.95 - 0.145 = 0.805; b = 1.305 - 0.5 = 0.805: 0.7245.
    assert.ok(Math.abs((await trained({ momentum: 0.9 }))[0]! - 0.7245) < 1e-6);
  });

  it('does not decay weights with one axis', async () => {
    near(await trained({ weightDecay: 0.1 }, [4]), reference({}));
  });

  it('changes nothing where a gradient is no number', async () => {
    const weight = runtime.tensor(initial);
    using optimizer = new SGD({ weight }, { momentum: 0.9 });
    optimizer.prepare(0.1);
    optimizer.update({ weight: runtime.tensor([1, Number.NaN, 1, 1]) });
    assert.deepEqual([...(await weight.read())], initial);
  });

  it('goes on from its state', async () => {
    const step = (optimizer: SGD, gradients: readonly number[]) => {
      optimizer.prepare(0.1);
      optimizer.update({ weight: runtime.tensor(gradients) });
    };
    const weight = runtime.tensor(initial);
    using first = new SGD({ weight }, { momentum: 0.9 });
    step(first, gradientsOfSteps[0]!);
    using second = new SGD({ weight }, { momentum: 0.9 });
    second.restore(await first.state(), 'here');
    for (const gradients of gradientsOfSteps.slice(1)) step(second, gradients);
    near([...(await weight.read())], reference({ momentum: 0.9 }));
    assert.throws(() => second.restore({}, 'file'), /file lacks sgd\.momentum\.weight/);
  });

  it('refuses what it cannot train', () => {
    const weight = runtime.tensor([1, 2]);
    assert.throws(() => new SGD({}), OptionError);
    assert.throws(() => new SGD({ weight }, { nesterov: true }), /nesterov needs a momentum/);
    assert.throws(() => new SGD({ weight }, { momentum: 1 }), OptionError);
    using optimizer = new SGD({ weight });
    assert.throws(() => optimizer.update({}), /SGD\.update: gradients has no gradient of weight/);
  });
});
