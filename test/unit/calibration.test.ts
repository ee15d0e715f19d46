import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askedOf } from '../../src/cli/shared/sentences-of-actions.js';
import { calibrationNote } from '../../src/cli/views/moments-table.js';
import { phrases } from '../../src/data/world/sentences.js';
import { openDataset } from '../../src/datasets/open-dataset.js';
import { worldDataset } from '../../src/datasets/world-dataset.js';
import { OptionError } from '../../src/errors.js';
import { aboveFalseQueries, auroc, calibrate, falseOf } from '../../src/evaluation/calibration.js';
import { missing, sharedData } from '../support/shared-data.js';

const about = { steps: 1, data: 'a test' };

describe('a calibration', () => {
  const falseScores = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);
  const found = calibrate({ true: [0.5, 0.96, 0.955, 0.99], false: falseScores.toReversed() }, about);

  it('is the score that 95 % of false sentences do not exceed, and what it tells', () => {
    assert.deepEqual(found, {
      ...{ falseQuery95: 0.95, falseQueries: 100, trueQueries: 4, trueAbove: 0.75, ...about },
      // Of the hundred, 49 are below 0.5 and one ties, 95 below 0.96 and one ties, 95 below 0.955, 98 and a tie.
      auroc: 0.8463,
    });
    assert.equal(falseScores.filter((score) => score > found.falseQuery95).length, 5);
    assert.equal(calibrate({ true: [1], false: [0.3] }, about).falseQuery95, 0.3);
  });

  it('of scores that tell nothing has an AUROC of a half', () => {
    assert.equal(auroc([1, 1], [1, 1, 1]), 0.5);
    assert.equal(auroc([2, 3], [0, 1]), 1);
    assert.equal(auroc([0, 1], [2, 3]), 0);
  });

  it('refuses what are no scores', () => {
    for (const scores of [
      { true: [], false: [1] },
      { true: [1], false: [] },
      { true: [1], false: [Number.NaN] },
    ]) {
      assert.throws(
        () => calibrate(scores, about),
        (error) =>
          error instanceof OptionError &&
          /^calibrate: scores\.(true|false)(\[0\])? must be/.test(error.message),
      );
    }
  });

  it('is compared with scores of as many steps', () => {
    assert.equal(aboveFalseQueries(found, { score: 0.951, steps: 1 }), true);
    assert.equal(aboveFalseQueries(found, { score: 0.95, steps: 1 }), false);
    assert.equal(aboveFalseQueries(found, { score: 0.99, steps: 2 }), undefined);
    assert.equal(aboveFalseQueries(undefined, { score: 0.99, steps: 1 }), undefined);
  });

  it('is told in words', () => {
    const best = (score: number) => [{ segment: [0, 1] as const, score }];
    const level = /score that 95 % of false sentences stay below \(0\.950\)/;
    assert.match(calibrationNote(found, best(0.97), 1), /^above .*: yes$/);
    assert.match(
      calibrationNote(found, best(0.2), 1),
      /^above .*: no; of true sentences, 75 % are above it$/,
    );
    assert.match(calibrationNote(found, [], 1), /: no;/);
    assert.match(calibrationNote(found, best(0.97), 9), /^not compared .*steps=1, not 9$/);
    for (const steps of [1, 9]) assert.match(calibrationNote(found, best(0.5), steps), level);
    assert.match(calibrationNote(undefined, best(0.97), 1), /^no calibration/);
  });
});

/** Whether a sentence of the built-in world is true of an action of a video, by its words. */
function trueOf(query: string, labels: readonly string[]): boolean {
  const names = Object.keys(phrases) as (keyof typeof phrases)[];
  // The longest phrase that fits: "stands up" is no "stands".
  const nameIn = (text: string, form: 0 | 1) =>
    names
      .flatMap((name) => phrases[name].map((phrase) => ({ name, phrase: phrase[form] })))
      .filter(({ phrase }) => ` ${text} `.includes(` ${phrase} `))
      .sort((a, b) => b.phrase.length - a.phrase.length)[0]!.name;
  const [, clause, side, neighbour] = /^(.*?)(?: (?:right|just|directly) (after|before) (.*))?$/.exec(query)!;
  const label = nameIn(clause!, 0);
  const places = [...labels.keys()].filter((i) => labels[i] === label);
  if (side) {
    const other = nameIn(neighbour!, 1);
    return places.some((i) => labels[side === 'after' ? i - 1 : i + 1] === other);
  }
  const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
  const counted = ordinals.findIndex((ordinal) => ` ${query} `.includes(` ${ordinal} time `));
  return places.length > Math.max(0, counted);
}

describe('a sentence that is said to be false of a video', () => {
  it('is false by its words, and none is false of its own video: the built-in world', () => {
    const asked = worldDataset()
      .items('validation')
      .slice(0, 40)
      .map((video) => video.annotations.queries!.map((query) => askedOf(video, query)));
    const labels = asked.map(([first]) => first!.labels);
    const sentences = asked.map((own) => own.map(({ sentence }) => sentence!));
    const seen = { absent: 0, order: 0 };
    for (const [v, own] of labels.entries()) {
      for (const [w, asked] of sentences.entries()) {
        for (const sentence of asked) {
          const falseness = falseOf(sentence, own);
          if (v === w) assert.equal(falseness, undefined, sentence.query);
          if (!falseness) continue;
          seen[falseness]++;
          assert.ok(!trueOf(sentence.query, own), `${sentence.query}: ${own}`);
        }
      }
    }
    assert.ok(seen.absent > 1000 && seen.order > 300, JSON.stringify(seen));
  });

  const files = ['hapt/hapt.json', 'hapt/hapt_i16.bin', 'hapt/queries-validation.jsonl'];
  it('is not a true one: recordings', { skip: missing(...files) }, async () => {
    const data = await openDataset(sharedData('hapt'));
    const asked = data
      .items('validation')
      .flatMap((video) => video.annotations.queries!.map((query) => askedOf(video, query)));
    assert.equal(asked.length, 1000);
    for (const { sentence, labels } of asked) {
      assert.ok(sentence);
      assert.equal(falseOf(sentence, labels), undefined, sentence.query);
    }
    // The same words are true of every excerpt that has them as a query.
    for (const { sentence } of asked) {
      for (const other of asked) {
        if (other.sentence?.query !== sentence!.query) continue;
        assert.equal(falseOf(sentence!, other.labels), undefined, sentence!.query);
      }
    }
  });
});
