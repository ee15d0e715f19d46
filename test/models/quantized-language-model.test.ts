import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { languageConfigs } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { loadLanguageModel } from '../../src/models/mdvlm/language/model-folder.js';
import { memoryPlan } from '../../src/models/mdvlm/plan/memory-plan.js';
import { numberDtype, quantizedBits, type WeightStorage } from '../../src/nn/weight-storage.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { Tuning } from '../../src/tensor/tuning.js';
import { writeRandomCheckpoint } from '../support/language-checkpoint.js';
import { roundingError } from '../support/rounding.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const config = languageConfigs.tiny;
const ids = Uint32Array.from({ length: 40 }, (_, i) => (i * 37) % config.vocabulary);
const source = new LanguageModel(runtime, config).initialize(1);
const state = await source.state();
const expected = await logitsOf(source);
source.dispose();

async function logitsOf(model: LanguageModel): Promise<Float32Array> {
  const logits = runtime.scope(() => {
    const tokens = runtime.tensor(ids, [1, ids.length], 'u32');
    return model.logits(model.forward(model.embed(tokens)));
  });
  const numbers = (await logits.read()) as Float32Array;
  logits.dispose();
  return numbers;
}

/** A model of these weights, from a checkpoint. */
async function modelOf(weights: typeof state, storage: WeightStorage) {
  const model = new LanguageModel(runtime, config, { weights: storage });
  await model.load(await openSafetensors(encodeSafetensors(weights), 'tiny'));
  return model;
}

describe('a language model with quantised weights', () => {
  for (const storage of ['int8', 'int4'] as const) {
    it(`in ${storage} is near to itself, and equal to that of the numbers its weights stand for`, async (test) => {
      const model = await modelOf(state, storage);
      const quantized = await model.state();
      const logits = await logitsOf(model);
      model.dispose();

      const matrices = Object.keys(state).filter((name) => name.endsWith('_proj.weight'));
      assert.equal(matrices.length, 7 * config.layers);
      // Errors of matrices are independent, so that their squares add up: all of them where no layer forgets any.
      const squares = matrices.map((name) => roundingError(state[name]!, quantizedBits(storage)!) ** 2);
      const bound = Math.sqrt(squares.reduce((a, b) => a + b, 0));
      const error = relativeError(logits, expected);
      assert.ok(error > 0 && error < bound, `off by ${error}, over ${bound}`);
      for (const name of matrices) assert.notDeepEqual(quantized[name]!.data, state[name]!.data);
      const same = await modelOf(quantized, numberDtype(storage, runtime.traits));
      const rounding = relativeError(await logitsOf(same), logits);
      same.dispose();
      assert.ok(rounding < (runtime.traits.f16 ? 5e-3 : 1e-5), `off by ${rounding} from dequantised weights`);
      test.diagnostic(`off by ${error.toExponential(1)}, bound ${bound.toExponential(1)}`);
    });
  }

  it('is loaded part by part at the width of LLaDA 8B', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tal-wide-'));
    const wide = { ...languageConfigs['llada-8b'], layers: 1, vocabulary: 256, maskId: 255 };
    await writeRandomCheckpoint(folder, wide);
    const own = await Runtime.create({ tuning: new Tuning() });
    try {
      const model = await loadLanguageModel(own, folder, { weights: 'int4', maxLength: 64 });
      const sizes = { frames: 0, prompt: 1, answer: 1 };
      const plan = await memoryPlan({ language: wide }, sizes, 'int4', own.traits);
      const weights = Object.values(plan.weights).reduce((a, b) => a + b, 0);
      const table = 4 * 64 * wide.headSize;
      assert.equal(own.memory.usedBytes, weights + table);
      assert.equal(own.memory.allocatedBytes, weights + table);
      assert.ok(own.memory.peakBytes < weights + plan.staging, `${own.memory.peakBytes} at the peak`);
      const tokens = own.tensor([1, 2, 3], [1, 3], 'u32');
      const hidden = await model.forward(model.embed(tokens)).read();
      assert.ok(hidden.every(Number.isFinite));
      model.dispose();
    } finally {
      own.destroy();
      rmSync(folder, { recursive: true });
    }
  });
});
