import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { OptionError } from '../../src/errors.js';
import {
  type AnswerLayout,
  checkedPlan,
  complementOf,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  leastStepRatio,
  maskWeights,
  plannedTimeRate,
} from '../../src/models/mdvlm/objective/masking.js';
import { rewardWeight } from '../../src/models/mdvlm/objective/objective.js';

const layout: AnswerLayout = {
  length: 7,
  spans: [
    [0, 1],
    [4, 5],
  ],
};
const draws = 20_000;
/** Five deviations of a share of so many draws. */
const tolerance = 5 * Math.sqrt(0.25 / draws);

/** For each position the share of the draws that mask it, and for each span that of pairs that differ. */
function shares(draw: (random: HostRandom) => boolean[]) {
  const random = new HostRandom(1);
  const masked = new Float64Array(layout.length);
  const apart = new Float64Array(layout.spans.length);
  for (let i = 0; i < draws; i++) {
    const mask = draw(random);
    mask.forEach((value, at) => {
      masked[at]! += Number(value) / draws;
    });
    layout.spans.forEach(([start, end], s) => {
      apart[s]! += Number(mask[start] !== mask[end]) / draws;
    });
  }
  return { masked: [...masked], apart: [...apart] };
}

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} instead of ${expected}`);

describe('masks of answers', () => {
  it('have step ratios from ε to 1', () => {
    const random = new HostRandom(2);
    const ratios = Array.from({ length: draws }, () => drawStepRatio(random));
    assert.ok(Math.min(...ratios) >= leastStepRatio && Math.max(...ratios) <= 1);
    close(ratios.reduce((a, b) => a + b) / draws, 0.5);
    close(ratios.filter((t) => t < 0.25).length / draws, 0.25);
  });

  it('are drawn at one rate, each position for itself, without a plan', () => {
    const { masked, apart } = shares((random) => drawUniformMask(layout, 0.3, random));
    for (const share of masked) close(share, 0.3);
    for (const share of apart) close(share, 2 * 0.3 * 0.7);
  });

  it('mask times at a rate of their own, start and end together', () => {
    for (const t of [0.1, 0.4, 0.7, 1]) {
      const plan = checkedPlan({ rho: 0.6 });
      const { masked, apart } = shares((random) => drawPlannedMask(layout, t, plan, random));
      const rate = Math.min(1, t / 0.6);
      assert.equal(plannedTimeRate(t, plan), rate);
      for (const [at, share] of masked.entries()) close(share, [2, 3, 6].includes(at) ? t : rate);
      assert.deepEqual(apart, [0, 0]);
    }
    const free = checkedPlan({ rho: 0.6, coherentPairs: false });
    const { masked, apart } = shares((random) => drawPlannedMask(layout, 0.3, free, random));
    for (const at of [0, 1, 4, 5]) close(masked[at]!, 0.5);
    for (const share of apart) close(share, 0.5);
  });

  it('train each token once together with their complement', () => {
    const plan = checkedPlan();
    const mask = drawUniformMask(layout, 0.5, new HostRandom(3));
    const weights = [mask, complementOf(mask)].map((m) => maskWeights('complementary', m, layout, 0.5, plan));
    assert.deepEqual(
      weights[0]!.map((weight, i) => weight + weights[1]![i]!),
      Array(layout.length).fill(1),
    );
  });

  it('weigh tokens so that each counts once on average', () => {
    // E[mask · weight] = 1 whatever t is, as far as weights are not clipped.
    const plan = checkedPlan({ rho: 0.5, timeWeight: 1, lateness: 0 });
    for (const t of [0.2, 0.8]) {
      const rate = plannedTimeRate(t, plan);
      const all = Array(layout.length).fill(true);
      assert.deepEqual(maskWeights('uniform', all, layout, t, plan), Array(layout.length).fill(1 / t));
      const planned = maskWeights('planned', all, layout, t, plan);
      for (const [at, weight] of planned.entries()) {
        assert.ok(Math.abs(weight * ([2, 3, 6].includes(at) ? t : rate) - 1) < 1e-12);
      }
    }
    // ∫ m(t) w(t) dt over the steps is 1 for the exact bound: ∫ m'(t) dt.
    const steps = 10_000;
    let total = 0;
    for (let i = 0; i < steps; i++) {
      const t = (i + 0.5) / steps;
      const [weight] = maskWeights('step-weighted', [true], { length: 1, spans: [[0, 0]] }, t, plan);
      total += (plannedTimeRate(t, plan) * weight!) / steps;
    }
    // The weights of the first thousandth are clipped.
    assert.ok(Math.abs(total - 1) < 2e-3, `${total}`);
  });

  it('weigh times by λ (1 - t)^κ / t in the last steps, not at all before, and clip', () => {
    const plan = checkedPlan({ rho: 0.5, timeWeight: 3, lateness: 2, largestWeight: 50 });
    const weigh = (t: number) =>
      maskWeights('step-weighted', [true, true, true], { length: 3, spans: [[0, 1]] }, t, plan);
    assert.deepEqual(weigh(0.5), [0, 0, 2]);
    assert.deepEqual(weigh(0.25), [6.75, 6.75, 4]);
    assert.deepEqual(weigh(0.01), [50, 50, 50]);
    const none = maskWeights('step-weighted', [false, true, false], layout, 0.25, plan);
    assert.deepEqual(none, [0, 6.75, 0]);
  });

  it('refuse plans that cannot be', () => {
    for (const plan of [
      { rho: 0 },
      { rho: 1.5 },
      { lateness: -1 },
      { timeWeight: Number.NaN },
      { largestWeight: 0 },
    ]) {
      assert.throws(() => checkedPlan(plan), OptionError);
    }
  });
});

describe('the weight of the reward', () => {
  it('rises over the first steps', () => {
    const at = [0, 5, 10, 99].map((step) => rewardWeight(step, { full: 0.5, warmup: 0.1, steps: 100 }));
    assert.deepEqual(at, [0, 0.25, 0.5, 0.5]);
    assert.equal(rewardWeight(0, { steps: 100, warmup: 0, full: 2 }), 2);
    assert.throws(() => rewardWeight(0, { steps: 100, warmup: 0, full: -1 }), OptionError);
  });
});
