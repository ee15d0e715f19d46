import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readMomentQueries } from '../../src/data/annotations/moment-queries.js';
import { openRecordings } from '../../src/data/formats/recordings.js';
import { recallAt } from '../../src/evaluation/moments.js';
import { localizeMoments } from '../../src/models/map-diffusion/localize.js';
import { loadMapDiffusion } from '../../src/models/map-diffusion/model-folder.js';
import { RecordingExamples } from '../../src/models/map-diffusion/recording-examples.js';
import { answerQuestions } from '../../src/models/mdvlm/decoding/answer-questions.js';
import { loadSignalMdvlm } from '../../src/models/mdvlm/signal/signal-folder.js';
import { SignalQuestions } from '../../src/models/mdvlm/signal/signal-questions.js';
import type { ScoredSegment } from '../../src/time/segment.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';

const checkpoint = (name: string) => fileURLToPath(new URL(`../../../checkpoints/${name}`, import.meta.url));
const files = ['hapt/hapt.json', 'hapt/hapt_i16.bin', 'hapt/queries-validation.jsonl'];

describe('the shipped models of recordings', { skip: missing(...files) }, async () => {
  const runtime = await testRuntime();
  /** Some queries of the validation users, few enough for the slowest driver. */
  async function asked() {
    const recordings = await openRecordings(sharedData('hapt'));
    const all = await readMomentQueries(sharedData('hapt/queries-validation.jsonl'), recordings.byName);
    return { recordings, queries: all.filter((_, i) => i % 80 === 0) };
  }
  const recall = (queries: Awaited<ReturnType<typeof asked>>['queries'], found: readonly ScoredSegment[][]) =>
    100 *
    recallAt(
      queries.map(({ windows }, i) => ({ predicted: found[i]!, truths: windows })),
      1,
      0.5,
    );

  it('hapt-map-diffusion finds moments', async () => {
    const { recordings, queries } = await asked();
    const { model, words } = await loadMapDiffusion(runtime, checkpoint('hapt-map-diffusion'));
    const examples = new RecordingExamples(model.config, recordings, queries, words);
    const found = await localizeMoments(model, examples, { steps: 1 });
    const r1 = recall(queries, found);
    assert.ok(r1 >= 75, `R1@0.5 ${r1}`);
    model.dispose();
  });

  it('hapt-mdvlm-tiny answers with spans', async () => {
    const { recordings, queries } = await asked();
    const mdvlm = await loadSignalMdvlm(runtime, checkpoint('hapt-mdvlm-tiny'));
    const found = await answerQuestions(mdvlm, new SignalQuestions(mdvlm, recordings, queries));
    const r1 = recall(
      queries,
      found.map((segment) => [{ segment, score: 1 }]),
    );
    assert.ok(r1 >= 75, `R1@0.5 ${r1}`);
    mdvlm.model.dispose();
  });
});
