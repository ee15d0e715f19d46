/** Files of Python that a bad copy or an enemy changed: they are read, or refused by an error of ours. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesSource } from '../../src/data/files/byte-source.js';
import { readNpyValues } from '../../src/data/formats/npy-values.js';
import { numpyGlobals } from '../../src/data/formats/numpy-pickle.js';
import { unpickle } from '../../src/data/formats/pickle/pickle.js';
import { openPyTorch } from '../../src/data/formats/pytorch/pytorch.js';
import { TalError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { committedFiles } from '../support/python-files.js';

async function readTensors(bytes: Uint8Array): Promise<void> {
  const checkpoint = await openPyTorch(bytes);
  for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
}

const readers: readonly (readonly [ending: RegExp, read: (bytes: Uint8Array) => Promise<unknown>])[] = [
  [/\.npy$/, (bytes) => readNpyValues(bytes)],
  [/\.(pth|ckpt)$/, readTensors],
  [/\.pkl$/, (bytes) => unpickle(bytesSource(bytes, 'x.pkl'), { globals: numpyGlobals })],
];

const names = readdirSync(dirname(committedFiles.path('expected.json'))).sort();

for (const [ending, read] of readers) {
  test(`damaged files ${ending} are read or refused`, async () => {
    const files = names.filter((name) => ending.test(name));
    assert.ok(files.length >= 7);
    const before = process.memoryUsage().arrayBuffers;
    for (const name of files) {
      const mutations = damaged(committedFiles.bytes(name));
      await fc.assert(
        fc.asyncProperty(mutations, async (bytes) => {
          await read(bytes).catch((error: unknown) => assert.ok(error instanceof TalError, String(error)));
          assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 28);
        }),
        { numRuns: 60 },
      );
    }
  });
}
