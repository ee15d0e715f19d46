/** A weakly supervised training for a test that kills it: `node killed-wtal.js FOLDER RECIPE`. */

import { ownWords } from '../../src/cli/commands/train.js';
import { loadWordVectors } from '../../src/data/text/words.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { fitWtal, smallRecipes } from './wtal-videos.js';

const [, , folder, name] = process.argv;
const runtime = await Runtime.create();
const words = { table: await loadWordVectors(ownWords) };
const { task } = await fitWtal(runtime, smallRecipes[name as keyof typeof smallRecipes], words, {
  folder: folder!,
  saveEvery: 0,
  // A step of its own speed, so that a kill meets steps and saves.
  onStep: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10),
});
task[Symbol.dispose]();
runtime.destroy();
