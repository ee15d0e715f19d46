import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { DiffActDecoder } from '../../src/models/wtal/actiondiff/diffact-decoder.js';
import type { Refined } from '../../src/models/wtal/actiondiff/diffusion-branch.js';
import { MaskDiffusion } from '../../src/models/wtal/actiondiff/mask-diffusion.js';
import { actionMask, classMask } from '../../src/models/wtal/actiondiff/masks.js';
import { add, mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import { narrow } from '../../src/ops/array/slice.js';
import { windowedAttention } from '../../src/ops/attention/windowed-attention.js';
import { instanceNorm } from '../../src/ops/norm/group-norm.js';
import { Random } from '../../src/ops/random/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { ActionDiffGolden, actionDiffGoldenNames } from '../support/actiondiff-golden.js';
import { testRuntime } from '../support/runtime.js';

// The diffusion branch of ActionDiff against PyTorch: small ones whose answers actiondiff-twin.py stored.
const runtime = await testRuntime();

/** Compares one thing after the other and says at the end how far off the worst was. */
class Comparison {
  #worst: readonly [error: number, name: string] = [0, 'nothing'];

  constructor(
    readonly golden: ActionDiffGolden,
    readonly tolerance: number,
  ) {}

  /** `least`: what an error is measured against where the expected numbers are smaller. */
  async check(name: string, tensor: Tensor, least = 0): Promise<void> {
    const expected = await this.golden.numbers(name);
    const actual = await tensor.read();
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

for (const name of actionDiffGoldenNames) {
  describe(`the diffusion branch ${name}`, () => {
    it('attends and normalizes as PyTorch does, gradients too', async (test) => {
      const golden = await ActionDiffGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-5);
      const { query, key, value, gradient } = golden.inputs as Record<string, Tensor>;
      const attend = () =>
        windowedAttention({ query: query!, key: key!, value: value! }, { taps: 5, dilation: 3 });
      await comparison.check('expected/attended', attend());
      await comparison.check('expected/normed', instanceNorm({ x: query! }));
      const { gradients } = valueAndGrad({ query: query!, key: key!, value: value! }, () =>
        sum(mul(attend(), gradient!)),
      );
      for (const [operand, found] of Object.entries(gradients)) {
        await comparison.check(`expected/attended.${operand}`, found);
      }
      comparison.report(test);
    });

    it('decodes, makes noisy and selects masks as PyTorch does', async (test) => {
      const golden = await ActionDiffGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-5);
      const { mask, condition, t, noise, labels } = golden.inputs as Record<string, Tensor>;
      const { config, maskChannels } = golden.branch;
      using decoder = new DiffActDecoder(runtime, config.decoder, maskChannels, condition!.shape[1]!);
      const weights = golden.branch.weights();
      for (const [name, weight] of decoder.parameters()) {
        weight.allocated().assign(weights[`decoder.${name}`]!);
      }
      const { output, hidden } = decoder.forward(mask!, condition!, t!);
      await comparison.check('expected/output', output);
      await comparison.check('expected/hidden', hidden);
      using diffusion = new MaskDiffusion(runtime, config.snrScale);
      await comparison.check('expected/noisy', diffusion.corrupt(mask!, noise!, t!));
      const outputs = golden.outputs();
      await comparison.check('expected/classMask', classMask(outputs, config.mask));
      await comparison.check('expected/actionMask', actionMask(outputs, labels!, config.mask));
      comparison.report(test);
    });

    it('refines by DDIM as PyTorch does', async (test) => {
      const golden = await ActionDiffGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-4);
      const { branch } = golden;
      for (const eta of [0, 1]) {
        using noise = new GivenNoise(golden.inputs.noises!);
        const refined = branch.denoise(golden.classifying(), golden.outputs(), { eta }, noise);
        for (const key of ['cas', 'attention', 'videoScoreCas'] as const satisfies (keyof Refined)[]) {
          await comparison.check(`expected/eta${eta}.${key}`, refined[key]);
        }
      }
      comparison.report(test);
    });

    it('has PyTorch’s training step, with gradients', async (test) => {
      const golden = await ActionDiffGolden.open(runtime, name);
      const comparison = new Comparison(golden, 1e-4);
      const { branch, inputs } = golden;
      using bank = branch.config.mode === 'family' ? await golden.bank() : undefined;
      branch.train();
      const { cas, attention, features, classifier, labels, t, noise, gate } = inputs as Record<
        string,
        Tensor
      >;
      const operands = { labels: labels!, t: t!, noise: noise!, gate: gate!, bank };
      const step = (
        given = { cas: cas!, attention: attention!, features: features! },
        weight = classifier!,
      ) => branch.trainingLosses(golden.classifying(weight), golden.outputs(given), operands);
      // A step leaves its masks in the bank.
      const before = bank && (await bank.memory.masks.read());
      const { outputs, parts } = step();
      for (const [i, found] of outputs.entries()) await comparison.check(`expected/sequence.${i}`, found.cas);
      const expected = golden.names('expected').filter((name) => name.startsWith('part.'));
      assert.deepEqual(
        Object.keys(parts)
          .map((part) => `part.${part}`)
          .toSorted(),
        expected.toSorted(),
      );
      for (const [part, loss] of Object.entries(parts)) await comparison.check(`expected/part.${part}`, loss);
      if (before) bank.memory.masks.write(before);
      const watched = {
        ...{ cas: cas!, attention: attention!, features: features!, classifier: classifier! },
        ...Object.fromEntries(Object.entries(branch.weights()).map(([name, x]) => [`branch.${name}`, x])),
      };
      const { gradients } = valueAndGrad(watched, () => {
        const { outputs, parts } = step();
        const ofSequences = outputs.map(({ cas }, i) => sum(mul(cas, inputs[`weights.${i}`]!)));
        return [...ofSequences, ...Object.values(parts)].map((x) => x.reshape([])).reduce(add);
      });
      const names = golden.names('gradient');
      const sizes = await Promise.all(
        names.map(async (name) => Math.hypot(...(await golden.numbers(`gradient/${name}`)))),
      );
      const largest = Math.max(...sizes);
      // InstanceNorm takes these biases off again, the softmax that of the keys: what is left of sums that cancel.
      const cancelled = /\.(conv_block\.0|att_linear_[kv])\.bias$/;
      for (const [name, gradient] of Object.entries(gradients)) {
        if (names.includes(name)) {
          const least = (cancelled.test(name) ? 1e-2 : 1e-3) * largest;
          await comparison.check(`gradient/${name}`, gradient, least);
          continue;
        }
        const found = await gradient.read();
        assert.ok(
          found.every((x) => x === 0),
          `${name} has a gradient`,
        );
      }
      comparison.report(test);
    });
  });
}
