import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadClassNames } from '../../src/data/annotations/class-names.js';
import { loadFeatures } from '../../src/data/formats/features.js';
import { openSafetensors } from '../../src/data/formats/safetensors.js';
import { OptionError, ShapeError, TalError } from '../../src/errors.js';
import {
  CMCS_ACTIVITYNET_PROPOSALS,
  CMCS_PROPOSALS,
  CO2NET_PROPOSALS,
  classProbabilities,
  type LocalizationScores,
  type ProposalOptions,
  proposeSegments,
  topKVideoScores,
} from '../../src/models/wtal/proposals.js';
import { temporalIoU } from '../../src/time/segment.js';
import { cmcsForward } from '../support/cmcs.js';
import { missing, sharedData } from '../support/shared-data.js';

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} instead of ${expected}`);

/** One class, its activation being the attention: easy to follow by hand. */
const single = (attention: number[]): LocalizationScores => ({
  cas: attention.map(() => 1),
  attention,
  videoScores: [1],
  background: false,
});

const plain: ProposalOptions = {
  ...CO2NET_PROPOSALS,
  thresholds: [0.5],
  videoScoreWeight: 0,
  softNmsSigma: null,
};

const allClose = (actual: ArrayLike<number>, expected: number[]) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) close(actual[i]!, value);
};

test('CO2-Net proposals equal those of an independent NumPy implementation', () => {
  const [steps, classes] = [12, 4];
  const at = (i: number) => [Math.floor(i / classes), i % classes] as const;
  const cas = Array.from(
    { length: steps * classes },
    (_, i) => 3 * Math.sin(1.7 * at(i)[0] + 2.3 * at(i)[1]),
  );
  const attention = Array.from({ length: steps }, (_, t) => 0.5 + 0.5 * Math.sin(0.9 * t + 0.4));
  const videoScores = topKVideoScores(cas, attention);
  allClose(videoScores, [0.307456546, 0.135729363, 0.242602106, 0.314211986]);

  const proposals = proposeSegments(
    { cas, attention, videoScores, background: true },
    { duration: steps },
    CO2NET_PROPOSALS,
  );
  assert.equal(proposals.length, 40);
  const expected = [
    [0, 3.9002183, 8, 9],
    [2, 3.4861986, 1, 3],
    [2, 1.826086, 8, 10],
    [0, 1.1752761, 1, 3],
    [0, 0.7199288, 8, 10],
    [2, 0.1403443, 6, 11],
    [2, 0.133533, 0, 4],
  ];
  expected.forEach(([label, score, start, end], i) => {
    assert.equal(proposals[i]!.label, label);
    close(proposals[i]!.score, score!);
    assert.deepEqual(proposals[i]!.segment, [start, end]);
  });
});

test('a run scores its inside less its context, which is a quarter of its length on each side', () => {
  const attention = [0.1, 0.3, 1, 1, 0.8, 0.8, 0.2, 0.1];
  const [proposal, ...rest] = proposeSegments(single(attention), { duration: 16 }, plain);
  assert.deepEqual(rest, []);
  assert.deepEqual(proposal!.segment, [4, 12]);
  close(proposal!.score, 0.9 - (0.3 + 0.2) / 2);
  const whole = proposeSegments(single([1, 1, 1]), { duration: 3 }, plain);
  close(whole[0]!.score, 1);
});

test('segments are cut at the duration, and steps beyond it propose nothing', () => {
  const attention = [0, 1, 0, 1, 0, 1];
  const proposals = proposeSegments(single(attention), { duration: 7, secondsPerStep: 2 }, plain);
  assert.deepEqual(proposals.map(({ segment }) => segment).sort(), [
    [2, 4],
    [6, 7],
  ]);
});

test('the length of a segment counts by its root where it is asked for', () => {
  const attention = [0, 0, 1, 1, 1, 1, 0, 0];
  const [without] = proposeSegments(single(attention), { duration: 8 }, plain);
  const [with_] = proposeSegments(single(attention), { duration: 8 }, { ...plain, lengthWeight: 0.5 });
  close(with_!.score - without!.score, 0.5 * Math.sqrt(4 / 8));
});

test('what the released code leaves out is left out by compat alone', () => {
  const bounds = (attention: number[], compat?: 'co2net' | 'delu') =>
    proposeSegments(
      single(attention),
      { duration: attention.length },
      { ...plain, ...(compat && { compat }) },
    )
      .map(({ segment }) => segment)
      .sort(([a], [b]) => a - b);
  const first = [1, 0, 0, 0];
  assert.deepEqual([bounds(first), bounds(first, 'co2net'), bounds(first, 'delu')], [[[0, 1]], [], []]);
  const both = [1, 0, 1, 0, 1, 1];
  assert.deepEqual(bounds(both), bounds(both, 'co2net'));
  assert.deepEqual(bounds(both, 'delu'), [[4, 6]]);
});

test('dilation grows runs on both sides and joins those that come to touch', () => {
  const attention = [0, 1, 0, 0, 1, 0, 0, 0, 0, 1];
  const bounds = (dilation: number) =>
    proposeSegments(single(attention), { duration: 10 }, { ...plain, dilation })
      .map(({ segment }) => segment)
      .sort(([a], [b]) => a - b);
  assert.deepEqual(bounds(0), [
    [1, 2],
    [4, 5],
    [9, 10],
  ]);
  assert.deepEqual(bounds(2), [
    [0, 6],
    [8, 10],
  ]);
});

test('interpolation finds the crossing between two steps', () => {
  // From 0 at 0.5 to 1 at 1.5 steps, 0.5 is crossed at 1; back down at 2.
  const [proposal] = proposeSegments(
    single([0, 1, 0, 0]),
    { duration: 4 },
    { ...plain, samplesPerStep: 100 },
  );
  close(proposal!.segment[0], 1, 0.011);
  close(proposal!.segment[1], 2, 0.011);
});

test('attention that is a softmax over time needs to be stretched', () => {
  const attention = [0.02, 0.03, 0.06, 0.05, 0.02];
  assert.deepEqual(proposeSegments(single(attention), { duration: 5 }, plain), []);
  const [stretched] = proposeSegments(single(attention), { duration: 5 }, { ...plain, normalize: true });
  assert.deepEqual(stretched!.segment, [2, 4]);
  assert.deepEqual(proposeSegments(single([0.2, 0.2]), { duration: 2 }, { ...plain, normalize: true }), []);
});

test('classes: those above the threshold, else the best, never the background', () => {
  const labels = (videoScores: number[], background: boolean) =>
    proposeSegments(
      { cas: videoScores.map(() => 1), attention: [1], videoScores, background },
      { duration: 1 },
      plain,
    ).map(({ label }) => label);
  assert.deepEqual(labels([0.3, 0.1, 0.2, 0.4], true), [0, 2]);
  assert.deepEqual(labels([0.3, 0.1, 0.2, 0.4], false), [0, 2, 3]);
  assert.deepEqual(labels([0.05, 0.1, 0.85], true), [1]);
});

test('class probabilities are a softmax per step, also of large logits', () => {
  allClose(classProbabilities([1000, 1000, Math.log(3), 0], 2), [0.5, 0.5, 0.75, 0.25]);
});

test('any scores give segments within the video, sorted, of finite score', () => {
  const cases = fc.integer({ min: 1, max: 12 }).chain((steps) =>
    fc.integer({ min: 2, max: 4 }).chain((classes) =>
      fc.record({
        cas: fc.array(fc.double({ min: -50, max: 50, noNaN: true }), {
          minLength: steps * classes,
          maxLength: steps * classes,
        }),
        attention: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
          minLength: steps,
          maxLength: steps,
        }),
        background: fc.boolean(),
      }),
    ),
  );
  const presets = fc.constantFrom(CO2NET_PROPOSALS, CMCS_PROPOSALS, CMCS_ACTIVITYNET_PROPOSALS);
  fc.assert(
    fc.property(
      cases,
      presets,
      fc.double({ min: 0.1, max: 1e4, noNaN: true }),
      (scores, options, duration) => {
        const videoScores = topKVideoScores(scores.cas, scores.attention);
        const proposals = proposeSegments({ ...scores, videoScores }, { duration }, options);
        proposals.forEach(({ label, score, segment: [start, end] }, i) => {
          assert.ok(start >= 0 && start < end && end <= duration, `[${start}, ${end}] of ${duration}`);
          assert.ok(Number.isFinite(score) && (i === 0 || score <= proposals[i - 1]!.score));
          assert.ok(label < videoScores.length - (scores.background ? 1 : 0));
        });
      },
    ),
  );
});

test('refuses scores and options that make no sense', () => {
  const good = single([0, 1]);
  const propose = (
    scores: Partial<LocalizationScores>,
    options: Partial<ProposalOptions> = {},
    duration = 2,
  ) => proposeSegments({ ...good, ...scores }, { duration }, { ...plain, ...options });
  assert.throws(() => propose({ cas: [1, 2, 3] }), ShapeError);
  assert.throws(() => propose({ attention: [] }), ShapeError);
  assert.throws(() => propose({ background: true }), ShapeError);
  assert.throws(
    () => propose({ attention: [0, Number.NaN] }),
    (error) =>
      error instanceof TalError && error.code === 'NOT_FINITE' && /attention\[1\]/.test(error.message),
  );
  assert.throws(() => topKVideoScores([1, 2, 3], [1, 2]), ShapeError);
  for (const options of [
    { thresholds: [] },
    { thresholds: [Number.NaN] },
    { samplesPerStep: 0 },
    { samplesPerStep: 1.5 },
    { dilation: -1 },
    { context: Infinity },
    { softNmsSigma: 0 },
    { classThreshold: Number.NaN },
  ]) {
    assert.throws(() => propose({}, options), OptionError, JSON.stringify(options));
  }
  for (const duration of [0, -1, Number.NaN, Infinity])
    assert.throws(() => propose({}, {}, duration), OptionError);
});

const realData = missing('bmt_long_jump', 'cmcs_weights');

test('CMCS finds both long jumps in a real video, with either set of weights', {
  skip: realData,
}, async () => {
  const paths = ['rgb', 'flow'].map((modality) =>
    sharedData(`bmt_long_jump/women_long_jump_${modality}.npy`),
  );
  const features = await loadFeatures(paths);
  for (const [weightsFile, classes, longJump] of [
    ['anet12_i3d_both_20000', 101, 'Long jump'],
    ['thumos14_i3d_both_15000', 21, 'LongJump'],
  ] as const) {
    const file = await openSafetensors(sharedData(`cmcs_weights/${weightsFile}.safetensors`));
    const weights = Object.fromEntries(
      await Promise.all([...file.tensors.keys()].map(async (name) => [name, await file.read(name)] as const)),
    );
    await file.close();
    const names = await loadClassNames(sharedData('cmcs_weights/classes.json'), classes);
    const scores = cmcsForward(weights, features);
    const proposals = proposeSegments(scores, { duration: 35.155 }, CMCS_PROPOSALS);
    assert.equal(names[proposals[0]!.label], longJump);
    const jumps = proposals.filter(({ label }) => names[label] === longJump);
    assert.equal(jumps.length, 2);
    // By eye 9-15 s and 22-34 s; a step lasts 2.5 s.
    for (const truth of [[9, 15] as const, [22, 34] as const]) {
      const best = Math.max(...jumps.map(({ segment }) => temporalIoU(segment, truth)));
      assert.ok(best > 0.5, `${weightsFile}: tIoU ${best} with ${truth}`);
    }
  }
});
