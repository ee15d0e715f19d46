import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alphaBars, betas, ddimCoefficients, ddimTimes, noiseRoots } from '../../src/diffusion/schedule.js';
import { OptionError } from '../../src/errors.js';

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} is not ${expected}`);

test('linear: the ends of β, and ᾱ as the sum of logarithms has it', () => {
  const beta = betas('linear');
  assert.equal(beta.length, 1000);
  assert.equal(beta[0], 1e-4);
  close(beta[999]!, 0.02, 1e-15);
  close(beta[500]! - beta[499]!, (0.02 - 1e-4) / 999, 1e-9);
  const logarithm = beta.reduce((sum, value) => sum + Math.log1p(-value), 0);
  close(alphaBars(beta)[999]!, Math.exp(logarithm), 1e-12);
  close(alphaBars(beta)[999]!, 4.04e-5, 1e-2);
});

test('cosine: ᾱ follows the squared cosine until β is cut at 0.999', () => {
  const beta = betas('cosine');
  const alphaBar = alphaBars(beta);
  const kept = (t: number) => Math.cos(((t / 1000 + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  for (const t of [0, 1, 499, 998]) close(alphaBar[t]!, kept(t + 1) / kept(0), 1e-9);
  assert.equal(beta[999], 0.999);
  assert.ok(alphaBar[999]! > 0);
});

test('β can be given, and must be in (0, 1)', () => {
  assert.deepEqual([...betas([0.5, 0.25])], [0.5, 0.25]);
  assert.deepEqual([...alphaBars([0.5, 0.25])], [0.5, 0.375]);
  assert.deepEqual([...noiseRoots([0.36])], [0.6, 0.8]);
  for (const wrong of [[], [0], [1], [Number.NaN]]) assert.throws(() => betas(wrong), OptionError);
  assert.throws(() => betas('sigmoid' as 'linear'), OptionError);
  assert.throws(() => betas('linear', 0), OptionError);
});

test('times: DiffAct’s 25 steps, one step, all steps, and the strided ones of DDIM', () => {
  assert.deepEqual(
    [...ddimTimes(1000, 25)],
    Array.from({ length: 25 }, (_, s) => 999 - 40 * s),
  );
  assert.deepEqual([...ddimTimes(1000, 1)], [999]);
  assert.deepEqual([...ddimTimes(5, 5)], [4, 3, 2, 1, 0]);
  assert.deepEqual([...ddimTimes(10, 3)], [9, 5, 2]);
  assert.deepEqual([...ddimTimes(10, 3, 'strided')], [6, 3, 0]);
  for (const steps of [0, 11, 1.5]) assert.throws(() => ddimTimes(10, steps), OptionError);
  assert.throws(() => ddimTimes(10, 3, 'cubic' as 'strided'), OptionError);
});

test('times fall strictly, from T − 1, for any number of steps', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1200 }), fc.double({ min: 0, max: 1, noNaN: true }), (T, share) => {
      const times = ddimTimes(T, Math.max(1, Math.round(share * T)));
      assert.equal(times[0], T - 1);
      times.forEach((time, s) => {
        assert.ok(s === 0 || time < times[s - 1]!);
      });
    }),
  );
});

test('a perfect prediction moves the state along its own noise, and the last step gives x0', () => {
  const alphaBar = alphaBars(betas('cosine'));
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 100 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      (steps, x0, epsilon) => {
        const times = ddimTimes(1000, steps);
        const rows = ddimCoefficients(alphaBar, times, 0);
        const at = (s: number) => alphaBar[times[s]!]!;
        for (let s = 0; s + 1 < steps; s++) {
          const x = Math.sqrt(at(s)) * x0 + Math.sqrt(1 - at(s)) * epsilon;
          const next = Math.sqrt(at(s + 1)) * x0 + Math.sqrt(1 - at(s + 1)) * epsilon;
          assert.ok(Math.abs(rows[3 * s]! * x0 + rows[3 * s + 1]! * x - next) < 1e-9);
        }
        assert.deepEqual([...rows.slice(-3)], [1, 0, 0]);
      },
    ),
  );
});

test('η = 1 with every time is DDPM: the variance of its posterior', () => {
  const beta = betas('linear');
  const alphaBar = alphaBars(beta);
  const times = ddimTimes(1000, 1000);
  const rows = ddimCoefficients(alphaBar, times, 1);
  for (const s of [0, 300, 998]) {
    const t = times[s]!;
    const posterior = ((1 - alphaBar[t - 1]!) / (1 - alphaBar[t]!)) * beta[t]!;
    close(rows[3 * s + 2]! ** 2, posterior, 1e-9);
    // The mean of that posterior (DDPM, eq. 7) weighs x0 and x.
    close(rows[3 * s]!, (Math.sqrt(alphaBar[t - 1]!) * beta[t]!) / (1 - alphaBar[t]!), 1e-6);
    close(rows[3 * s + 1]!, (Math.sqrt(1 - beta[t]!) * (1 - alphaBar[t - 1]!)) / (1 - alphaBar[t]!), 1e-9);
  }
});

test('η and times that cannot be are refused', () => {
  const alphaBar = alphaBars([0.1, 0.1, 0.1]);
  for (const eta of [-0.1, 1.1, Number.NaN]) {
    assert.throws(() => ddimCoefficients(alphaBar, [2, 1], eta), OptionError);
  }
  assert.throws(() => ddimCoefficients(alphaBar, [1, 2], 0), OptionError);
  assert.throws(() => ddimCoefficients(alphaBar, [3], 0), OptionError);
});
