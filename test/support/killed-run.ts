/** A training run with all that a run may have, for a test that kills it: `node killed-run.js FOLDER`. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { cosineLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import { TwoTurns } from './two-turns.js';

const folder = process.argv[2]!;
const runtime = await Runtime.create();
const task = new TwoTurns(runtime);
const steps = 40;
const done = await train(task, {
  ...{ folder, settings: 'killed', steps, seed: 5, accumulate: 2, average: 0.9, maxNorm: 1 },
  learningRate: cosineLearningRate({ peak: 0.05, steps }),
  groups: [{ name: 'encoder', weights: ['encoder'], optimizer: { kind: 'adamw', weightDecay: 0.1 } }],
  saveEvery: 0,
  validation: {
    every: 7,
    validate: async () => ({ error: await task.error() }),
    best: { metric: 'error', better: 'lower' },
  },
  // A step of its own speed, so that a kill meets steps, validations and saves.
  onStep: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10),
});
if (done) writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(await task.model.state()));
runtime.destroy();
