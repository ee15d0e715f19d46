import type { MomentQuery } from '../../data/annotations/moment-queries.js';
import type { Recordings } from '../../data/formats/recordings.js';
import { recallAt } from '../../evaluation/moments.js';
import { evaluateTemporalReasoning } from '../../evaluation/temporal-reasoning.js';
import { answerQuestions } from '../../models/mdvlm/decoding/answer-questions.js';
import { loadSignalMdvlm } from '../../models/mdvlm/signal/signal-folder.js';
import { SignalQuestions } from '../../models/mdvlm/signal/signal-questions.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type ScoredSegment, type Segment, temporalIoU } from '../../time/segment.js';
import { Progress } from '../views/progress.js';

export interface AnsweringOptions {
  readonly model: string;
  /** Denoising steps; those that the model is meant for where absent. */
  readonly steps?: number;
  /** Share of the steps in which times are committed; that of the model where absent. */
  readonly rho?: number;
  /** Share of the answer that the first step may mask again. */
  readonly revise?: number;
}

/** The span that the model of a folder answers to each query, as its only moment, under a progress bar. */
export async function answerWithProgress(
  runtime: Runtime,
  recordings: Recordings,
  queries: readonly MomentQuery[],
  { model: folder, steps, rho, revise = 0 }: AnsweringOptions,
): Promise<ScoredSegment[][]> {
  const mdvlm = await loadSignalMdvlm(runtime, folder);
  const unknown = mdvlm.vocabulary.unknownWords(queries.map(({ query }) => query));
  if (unknown.length > 0) console.error(`words that the model does not know: ${unknown.join(', ')}`);
  const { decoding } = mdvlm.file;
  const questions = new SignalQuestions(mdvlm, recordings, queries);
  const progress = new Progress(questions.size, 'questions');
  try {
    const found = await answerQuestions(mdvlm, questions, {
      ...{ steps: steps ?? decoding.steps, rho: rho ?? decoding.rho, revise },
      onProgress: (done) => progress.update(done),
    });
    return found.map((segment) => [{ segment, score: 1 }]);
  } finally {
    progress.stop();
  }
}

/**
 * Metrics of answers, in per cent: those of reasoning temporal localization, averaged over the questions of a recording
 * first, and the recalls of moment retrieval, averaged over all questions. Of several true moments the best counts.
 */
export function answerTable(
  queries: readonly MomentQuery[],
  found: readonly ScoredSegment[][],
): Record<string, number> {
  const answers = queries.map(({ vid, windows, duration }, i) => {
    const predicted: Segment = found[i]![0]?.segment ?? [0, duration];
    return { video: vid, predicted, truth: nearest(windows, predicted) };
  });
  const judged = queries.map(({ windows }, i) => ({ predicted: found[i]!, truths: windows }));
  return {
    ...evaluateTemporalReasoning(answers),
    ...Object.fromEntries(
      [0.3, 0.5, 0.7].map((threshold) => [`R1@${threshold}`, 100 * recallAt(judged, 1, threshold)]),
    ),
  };
}

function nearest(windows: readonly Segment[], predicted: Segment): Segment {
  return windows.reduce((best, window) =>
    temporalIoU(predicted, window) > temporalIoU(predicted, best) ? window : best,
  );
}
