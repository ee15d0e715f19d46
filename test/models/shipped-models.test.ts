import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDataset } from '../../src/datasets/open-dataset.js';
import type { VideoDataset } from '../../src/datasets/video-dataset.js';
import { evaluatePredictions } from '../../src/models/common/evaluate-predictions.js';
import { openModel } from '../../src/models/open-model.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';

const checkpoint = (name: string) => fileURLToPath(new URL(`../../../checkpoints/${name}`, import.meta.url));
const files = ['hapt/hapt.json', 'hapt/hapt_i16.bin', 'hapt/queries-validation.jsonl'];

describe('the shipped models of recordings', { skip: missing(...files) }, async () => {
  const runtime = await testRuntime();
  /** Some queries of the validation users, few enough for the slowest driver. */
  async function some(): Promise<VideoDataset> {
    const data = await openDataset(sharedData('hapt'));
    let count = 0;
    const items = data.items('validation').map((item) => ({
      ...item,
      annotations: { queries: item.annotations.queries!.filter(() => count++ % 80 === 0) },
    }));
    return { ...data, items: () => items };
  }

  for (const [name, options] of [
    ['hapt-map-diffusion', { steps: 1 }],
    ['hapt-mdvlm-tiny', {}],
  ] as const) {
    it(`${name} finds moments`, async () => {
      const data = await some();
      using model = await openModel(checkpoint(name), { runtime });
      const predictions = await model.predict(data, 'validation', { options });
      const { metrics, count } = evaluatePredictions(data, 'validation', predictions);
      assert.equal(count, 13);
      assert.ok(metrics['R1@0.5']! >= 75, `R1@0.5 ${metrics['R1@0.5']}`);
      await data.close();
    });
  }

  for (const [name, least] of [
    ['hapt-mllm4wtal', 60],
    ['hapt-actiondiff', 42],
  ] as const) {
    it(`${name} finds actions`, async () => {
      const data = await openDataset(sharedData('hapt'));
      using model = await openModel(checkpoint(name), { runtime });
      const judged = await model.judgedOn(data, 'validation');
      const predictions = await model.predict(judged, 'validation');
      const { metrics, count } = evaluatePredictions(judged, 'validation', predictions);
      assert.equal(count, 68);
      assert.ok(100 * metrics['mAP@0.50']! >= least, `mAP@0.50 ${metrics['mAP@0.50']}`);
      await data.close();
    });
  }
});
