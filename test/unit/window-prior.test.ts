import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMomentQueries } from '../../src/data/annotations/moment-queries.js';
import { openRecordings } from '../../src/data/formats/recordings.js';
import { wordsOf } from '../../src/data/text/words.js';
import { recallAt } from '../../src/evaluation/moments.js';
import { WindowPrior } from '../../src/evaluation/window-prior.js';
import type { Segment } from '../../src/time/segment.js';
import { missing, sharedData } from '../support/shared-data.js';

const example = (sentence: string, ...windows: Segment[]) => ({ words: wordsOf(sentence), windows });
const repeat = (times: number, ...windows: Segment[]) => Array.from({ length: times }, () => windows).flat();

test('the most central window of the sentences with these words, in any order', () => {
  const prior = WindowPrior.fit([
    example('she sits', ...repeat(50, [10, 20])),
    example('sits she', ...repeat(30, [11, 20], [0, 5])),
    example('they run', ...repeat(200, [60, 90])),
  ]);
  assert.deepEqual(prior.predict(['sits', 'she']), [10, 20]);
  assert.deepEqual(prior.predict(['they', 'run', 'fast']), [60, 90], 'the most similar words decide');
});

test('the next similar sentences join where there are few windows', () => {
  const prior = WindowPrior.fit([
    example('she sits down', [0, 1]),
    example('she sits', ...repeat(99, [10, 20])),
    example('they run', ...repeat(500, [60, 90])),
  ]);
  assert.deepEqual(prior.predict(wordsOf('she sits down')), [10, 20]);
});

test('unknown words get the windows of any sentences; without examples there is none', () => {
  assert.deepEqual(WindowPrior.fit([example('she sits', [3, 4])]).predict(['zorb']), [3, 4]);
  assert.equal(WindowPrior.fit([]).predict(['sits']), undefined);
});

test('on the queries of HAPT it beats the best constant window', { skip: missing('hapt') }, async () => {
  const { byName } = await openRecordings(sharedData('hapt'));
  const read = (name: string) => readMomentQueries(sharedData(`hapt/queries-${name}.jsonl`), byName);
  const train = await read('train');
  const prior = WindowPrior.fit(train.map(({ query, windows }) => ({ words: wordsOf(query), windows })));
  const judged = (await read('validation')).map(({ query, windows }) => ({
    predicted: [{ segment: prior.predict(wordsOf(query))!, score: 1 }],
    truths: windows,
  }));
  const recalls = [0.5, 0.7].map((threshold) => recallAt(judged, 1, threshold));
  // The best constant window has 0.105 and 0.063.
  assert.ok(recalls[0]! > 0.15 && recalls[1]! > 0.08, `${recalls}`);
  assert.ok(recalls[0]! < 0.3, 'sentences alone cannot tell more');
});
