import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { answerQuestions } from '../../src/models/mdvlm/decoding/answer-questions.js';
import type { AnswerObjectiveOptions } from '../../src/models/mdvlm/objective/answer-objective.js';
import { makeSignalMdvlm, type SignalMdvlmConfig } from '../../src/models/mdvlm/signal/signal-config.js';
import { SignalQuestions } from '../../src/models/mdvlm/signal/signal-questions.js';
import { MdvlmTask } from '../../src/models/mdvlm/signal/task.js';
import { WordVocabulary } from '../../src/models/mdvlm/signal/word-vocabulary.js';
import { temporalIoU } from '../../src/time/segment.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import { testRuntime } from '../support/runtime.js';
import { loudMoments, loudSentences, smallMdvlm } from '../support/signal-questions.js';

const runtime = await testRuntime();
const folder = await mkdtemp(join(tmpdir(), 'tal-mdvlm-'));
after(() => rm(folder, { recursive: true, force: true }));
const { asked, classes } = loudMoments();
const { words } = WordVocabulary.of(loudSentences(asked), smallMdvlm.times);

const prefixed: SignalMdvlmConfig = {
  ...smallMdvlm,
  order: 'prefix-diffusion',
  grounding: { weight: 1 },
};

/** Trains the small model on all four questions in each step, from where a run of that name stopped. */
async function trained(
  name: string,
  steps: number,
  options: Partial<AnswerObjectiveOptions>,
  { config = smallMdvlm, stopAfter = steps }: { config?: SignalMdvlmConfig; stopAfter?: number } = {},
) {
  const mdvlm = makeSignalMdvlm(runtime, config, words);
  const questions = new SignalQuestions(mdvlm, asked, { classes });
  const task = new MdvlmTask(mdvlm, questions, { batch: 4, seed: 1, steps, ...options });
  const losses: number[] = [];
  const stop = new AbortController();
  await train(task, {
    ...{ steps, seed: 1, folder: join(folder, name), settings: name, maxNorm: 1 },
    learningRate: constantLearningRate(5e-3),
    signal: stop.signal,
    onStep: ({ step, loss }) => {
      losses.push(loss);
      if (step === stopAfter) stop.abort();
    },
  });
  task.dispose();
  return { mdvlm, questions, losses };
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b) / numbers.length;

describe('training on questions about signals', () => {
  for (const [name, options, config] of [
    ['all objectives', { objective: '+iou' }, smallMdvlm],
    ['all objectives, the prompt once', { objective: '+iou' }, prefixed],
    ['next tokens', {}, { ...smallMdvlm, order: 'autoregressive' }],
  ] as const) {
    it(`by ${name} learns four answers by heart`, async (test) => {
      const { mdvlm, questions, losses } = await trained(name, 120, options, { config });
      const overlaps = (await answerQuestions(mdvlm, questions, { batch: 3 })).map((found, i) =>
        temporalIoU(found, asked[i]!.sentences[0]!.windows[0]!),
      );
      test.diagnostic(
        `overlaps ${overlaps}, loss ${mean(losses.slice(0, 20))} to ${mean(losses.slice(-20))}`,
      );
      assert.ok(mean(losses.slice(-20)) < 0.3 * mean(losses.slice(0, 20)), losses.join());
      assert.ok(Math.min(...overlaps) > 0.95, overlaps.join());
      mdvlm.model.dispose();
    });
  }

  it('depends on the seed and the step alone, whatever the objective, so a run that was stopped goes on', async () => {
    for (const options of [
      { objective: 'uniform', complementary: true },
      { objective: '+boundary' },
      { objective: '+step-weighted' },
      { objective: '+iou', reward: { samples: 4, steps: 3 } },
    ] as const) {
      const name = JSON.stringify(options);
      const whole = await trained(`${name} whole`, 3, options);
      const begun = await trained(`${name} stopped`, 3, options, { stopAfter: 1 });
      const rest = await trained(`${name} stopped`, 3, options);
      assert.ok(whole.losses.every(Number.isFinite) && whole.losses.length === 3);
      assert.deepEqual([...begun.losses, ...rest.losses], whole.losses);
      for (const { mdvlm } of [whole, begun, rest]) mdvlm.model.dispose();
    }
  });
});
