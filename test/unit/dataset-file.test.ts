import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonRecord } from '../../src/data/formats/json-record.js';
import { readDatasetFile } from '../../src/datasets/dataset-file.js';
import { datasetLayouts } from '../../src/datasets/open-dataset.js';
import { FileFormatError } from '../../src/errors.js';
import { fits, type Schema } from '../support/json-schema.js';

const schema = JSON.parse(
  readFileSync(new URL('../../../data/dataset.schema.json', import.meta.url), 'utf8'),
) as Schema & { properties: { annotations: { properties: { layout: { enum: string[] } } } } };

function accepts(value: unknown): boolean {
  try {
    readDatasetFile(new JsonRecord(value, 'dataset.json'), datasetLayouts);
    return true;
  } catch (error) {
    assert.ok(error instanceof FileFormatError, String(error));
    return false;
  }
}

test('the schema names every layout', () => {
  assert.deepEqual(schema.properties.annotations.properties.layout.enum, datasetLayouts);
});

const path = fc.constantFrom(
  ...['a.json', 'a/{id}.eaf', 'a b/c.CSV', '{id}.npy', 'x.npy', 'f.hdf5', 'g.PTH', 'ids.txt'],
  ...[
    '../a.json',
    '/a.json',
    'a//b.json',
    'a/./b.json',
    'a\\b.json',
    'C:/a.json',
    'a/',
    '',
    ' ',
    '{name}.json',
    '..a.json',
  ],
);
const odd = fc.constantFrom<unknown[]>(1, true, [], {}, 'x', '', [1], ['a', 'a'], 0, -1);
const of = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | unknown> =>
  fc.oneof({ weight: 9, arbitrary: value as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd });
const record = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc
    .record({ ...fields, strange: odd }, { requiredKeys: [] })
    .map(({ strange, ...rest }) => (strange === -1 ? { ...rest, strange } : rest));
const seconds = fc.constantFrom<unknown[]>(1, 0.5, 0, -1, '1');
const part = record({
  file: of(path),
  array: of(fc.constantFrom('features', '{id}/c3d', '{x}', '')),
  ids: of(fc.oneof(path, fc.constant(['a', 'b']))),
  crop: of(fc.constantFrom<unknown[]>('mean', 0, 9, 10, 1.5, 'max')),
  normalize: of(fc.constantFrom('l2', 'l1')),
});
const fields: Record<string, fc.Arbitrary<unknown>> = {
  $schema: fc.constant('https://example.org'),
  name: of(fc.constantFrom('a', ' ')),
  annotations: of(
    record({
      layout: of(fc.constantFrom('csv', 'elan', 'cvs')),
      files: of(
        fc.oneof(path, fc.dictionary(fc.constantFrom('train', 'test', ' '), fc.oneof(path, fc.array(path)))),
      ),
      durations: of(path),
      splits: of(path),
    }),
  ),
  features: of(
    record({
      parts: of(fc.array(part, { maxLength: 2 })),
      timing: of(
        record({
          strideSeconds: seconds,
          windowSeconds: seconds,
          strideFrames: seconds,
          windowFrames: seconds,
          fps: seconds,
        }),
      ),
    }),
  ),
  videos: of(fc.oneof(path, fc.constant('v/{id}.mp4'))),
  words: of(path),
  classes: of(fc.array(fc.constantFrom('a', 'b', ' '))),
};
/** With any of the fields, or with one. */
const description = fc.oneof(
  record(fields),
  ...Object.entries(fields).map(([name, value]) => value.map((one) => ({ [name]: one }))),
  part.map((one) => ({ features: { parts: [one] } })),
);

test('the schema and the reader accept the same', () => {
  let accepted = 0;
  let refused = 0;
  const compare = fc.property(description, (value) => {
    const read = accepts(value);
    if (read) accepted++;
    else refused++;
    assert.equal(fits(schema, value), read, JSON.stringify(value));
  });
  fc.assert(compare, { numRuns: 5000 });
  assert.ok(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`);
});

const refusals: [file: unknown, message: RegExp][] = [
  [{ nam: 'a' }, /dataset\.json: unknown field nam, did you mean name\?/],
  [{ annotations: { layout: 'cvs', files: 'a.csv' } }, /annotations: layout is "cvs", did you mean csv\?/],
  [{ annotations: { layout: 'csv' } }, /annotations: files is missing/],
  [{ annotations: { layout: 'csv', files: { train: [] } } }, /files: train names no file/],
  [
    { annotations: { layout: 'csv', files: 'a.csv', durations: 'a.txt' } },
    /durations is "a\.txt", not a file that ends in \.json or \.csv/,
  ],
  [{ videos: 'a.mp4' }, /videos is "a\.mp4", without \{id\}/],
  [{ classes: ['a', 'a'] }, /classes holds a name twice/],
];
for (const [file, message] of refusals) {
  test(`dataset.json: ${message.source}`, () => {
    assert.throws(() => readDatasetFile(new JsonRecord(file, 'dataset.json'), datasetLayouts), message);
  });
}
