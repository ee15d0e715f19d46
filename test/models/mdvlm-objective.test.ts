import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { toFloat32 } from '../../src/data/formats/array.js';
import { openSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import type { LastLayer } from '../../src/diffusion/token-logits.js';
import { OptionError } from '../../src/errors.js';
import { IouReward, type IouRewardOptions } from '../../src/models/mdvlm/objective/iou-reward.js';
import {
  type AnswerLayout,
  complementOf,
  type MaskWeighting,
  maskWeights,
} from '../../src/models/mdvlm/objective/masking.js';
import { weightedCrossEntropy } from '../../src/models/mdvlm/objective/objective.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { add } from '../../src/ops/array/binary.js';
import { embedding } from '../../src/ops/array/gather.js';
import { mean } from '../../src/ops/array/reduce.js';
import { scaleShift } from '../../src/ops/array/unary.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

// The losses of MDVLM-TAL against PyTorch: mdvlm-objective-twin.py stored values and gradients.
const runtime = await testRuntime();
const path = new URL('../../../test/models/golden/mdvlm-objective.safetensors', import.meta.url);
const golden = await openSafetensors(await readFile(path), 'mdvlm-objective');
const numbers = async (name: string) => toFloat32(await golden.read(name));
const { ratios, maskId, firstId, count, samples, plan } = JSON.parse(golden.metadata.settings!);
const times = new TimeTokens({ count, firstId });

const operand = async (name: string): Promise<Tensor> => {
  const stored = await golden.read(`input/${name}`);
  return stored.dtype === 'i32'
    ? runtime.tensor(Uint32Array.from(stored.data as Int32Array), stored.shape, 'u32')
    : runtime.tensor(toFloat32(stored), stored.shape);
};
const weights = { base: await operand('base'), matrix: await operand('matrix') };
const targets = await operand('targets');
const spans = {
  positions: await operand('positions'),
  truths: await operand('truths'),
  weights: await operand('spanWeights'),
};
const [answers, length] = targets.shape as [number, number];
const slotRows = (await spans.positions.read()) as Uint32Array;
const layouts: AnswerLayout[] = Array.from({ length: answers }, (_, b) => {
  const rows = [0, 2].map((i) => [slotRows[4 * b + i]!, slotRows[4 * b + i + 1]!] as const);
  return { length, spans: rows.filter(([start]) => start < length) };
});
const maskRows = async (name: string) => {
  const flat = await numbers(`input/${name}`);
  return layouts.map((_, b) => Array.from(flat.slice(b * length, (b + 1) * length), Boolean));
};
const uniform = await maskRows('uniform');
const planned = await maskRows('planned');
const targetIds = (await targets.read()) as Uint32Array;

/** The answers with masks. */
const maskedAnswers = (masks: boolean[][]) =>
  runtime.tensor(
    targetIds.map((id, i) => (masks.flat()[i] ? maskId : id)),
    targets.shape,
    'u32',
  );

/** The twin's network. */
function network(ids: Tensor, { base, matrix } = weights): LastLayer {
  const embedded = embedding({ table: matrix, ids });
  return { hidden: add(add(base, embedded), mean(embedded, { axes: 1, keepDims: true })), weight: matrix };
}

function crossEntropy(weighting: MaskWeighting, masks: boolean[][]): Tensor {
  const counted = masks.flatMap((mask, b) =>
    maskWeights(weighting, mask, layouts[b]!, ratios[b], { coherentPairs: true, ...plan }),
  );
  const factors = runtime.tensor(
    counted.map((weight) => weight / length / answers),
    targets.shape,
  );
  return weightedCrossEntropy(network(maskedAnswers(masks)), targets, factors);
}

const noise = await operand('noise');
const noiseData = (await noise.read()) as Float32Array;

/** The twin's Gumbel numbers, those of a step after those of the step before. */
function storedNoise(): { gumbel: () => Tensor } {
  const shape = noise.shape.slice(1);
  const size = shape.reduce((a, b) => a * b);
  let step = 0;
  return { gumbel: () => runtime.tensor(noiseData.slice(step * size, ++step * size), shape) };
}

function iou(options: IouRewardOptions, predict = network): Tensor {
  const reward = new IouReward(runtime, times, maskId, options);
  const masked = maskedAnswers(planned);
  const loss = reward.loss(masked, predict(masked), spans, predict);
  reward.dispose();
  return loss;
}

const losses: Readonly<Record<string, () => Tensor>> = {
  sequence: () => crossEntropy('uniform', uniform),
  complementary: () =>
    add(crossEntropy('complementary', uniform), crossEntropy('complementary', uniform.map(complementOf))),
  boundary: () => crossEntropy('planned', planned),
  plan: () => crossEntropy('step-weighted', planned),
  iou: () => iou({}),
  'iou-sorted': () => iou({ steps: 3, lateness: 0.5, reversed: 'sorted' }),
  'iou-policy': () => iou({ policy: { samples, random: storedNoise() } }),
  total: () =>
    add(
      crossEntropy('uniform', uniform),
      add(scaleShift(crossEntropy('step-weighted', planned), 0.7, 0), scaleShift(iou({}), 0.3, 0)),
    ),
};

describe('the training losses', () => {
  for (const [name, loss] of Object.entries(losses)) {
    it(`${name}: value and gradients of PyTorch`, async (test) => {
      const { value, gradients } = valueAndGrad(weights, loss);
      const errors = [relativeError((await value.read()) as Float32Array, await numbers(`expected/${name}`))];
      for (const [of, gradient] of Object.entries(gradients)) {
        const wanted = await numbers(`gradient/${name}/${of}`);
        assert.ok(Math.max(...wanted.map(Math.abs)) > 1e-4, 'there is a gradient to compare');
        errors.push(relativeError((await gradient.read()) as Float32Array, wanted));
      }
      assert.ok(Math.max(...errors) < 1e-5, `off by ${errors}`);
      test.diagnostic(`errors ${errors.map((error) => error.toExponential(1))}`);
    });
  }
});

describe('the IoU reward', () => {
  it('changes as its gradient says', async () => {
    const random = new HostRandom(3);
    const [base, matrix] = [await numbers('input/base'), await numbers('input/matrix')];
    const { gradients } = valueAndGrad(weights, () => iou({}));
    const directions = { base: base.map(() => random.normal()), matrix: matrix.map(() => random.normal()) };
    for (const name of ['base', 'matrix'] as const) {
      const gradient = (await gradients[name].read()) as Float32Array;
      const slope = gradient.reduce((total, value, i) => total + value * directions[name][i]!, 0);
      const at = async (size: number) => {
        const stored = name === 'base' ? base : matrix;
        const moved = runtime.tensor(
          stored.map((value, i) => value + size * directions[name][i]!),
          weights[name].shape,
        );
        const loss = iou({}, (ids) => network(ids, { ...weights, [name]: moved }));
        return ((await loss.read()) as Float32Array)[0]!;
      };
      const step = 1e-2;
      const difference = ((await at(step)) - (await at(-step))) / (2 * step);
      assert.ok(Math.abs(difference - slope) < 1e-3 * Math.abs(slope) + 1e-5, `${difference} and ${slope}`);
    }
  });

  it('is the overlap where all is said', async () => {
    // Nothing is masked, so what the network thinks does not matter.
    const given = runtime.tensor([times.id(2), times.id(6)], [1, 2], 'u32');
    const reward = (truth: number[], options: IouRewardOptions = {}, ids = given) => {
      const wanted = {
        positions: runtime.tensor([0, 1], [1, 1, 2], 'u32'),
        truths: runtime.tensor(truth, [1, 1, 2]),
        weights: runtime.tensor([1], [1, 1]),
      };
      const layer = { hidden: runtime.zeros([1, 2, weights.matrix.shape[1]!]), weight: weights.matrix };
      const loss = new IouReward(runtime, times, maskId, options).loss(ids, layer, wanted, () => layer);
      return loss.read().then(([value]) => -value!);
    };
    const close = (actual: number, expected: number) =>
      assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`);
    close(await reward([2, 6]), 1);
    close(await reward([4, 8.5]), 2 / 6.5);
    close(await reward([7, 9]), 0);
    const backwards = runtime.tensor([times.id(6), times.id(2)], [1, 2], 'u32');
    close(await reward([2, 6], {}, backwards), 0);
    close(await reward([2, 6], { reversed: 'sorted' }, backwards), 1);
  });

  it('refuses what it cannot do', () => {
    for (const options of [
      { steps: 0 },
      { lateness: -1 },
      { policy: { samples: 1, random: storedNoise() } },
    ]) {
      assert.throws(() => new IouReward(runtime, times, maskId, options), OptionError);
    }
    assert.throws(() => new IouReward(runtime, times, 0), OptionError);
  });
});
