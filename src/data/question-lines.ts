import { readJsonLines } from './json-record.js';
import type { QuestionAnswer } from './question-answer.js';
import { readTemporalTraining } from './temporal-reasoning.js';
import { parseTimedText } from './timed-text.js';

/** A question and its answer, about a video of a known length where the answer has times. */
export type WrittenQuestion = Pick<QuestionAnswer, 'question' | 'answer'> & {
  /** In seconds. */
  readonly duration?: number;
};

/**
 * Reads questions and answers: JSON lines of `question`, `answer` and, where the answer has times (seconds in angle
 * brackets, `<12.5>`), `duration` of the video in seconds; a file of any other ending than `.jsonl` as the training
 * questions of ActivityNet-RTL (`readTemporalTraining`).
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it breaks that
 */
export async function readWrittenQuestions(path: string): Promise<WrittenQuestion[]> {
  if (!/\.jsonl$/i.test(path)) return readTemporalTraining(path);
  return (await readJsonLines(path)).map((record) => {
    const question = record.text('question').trim();
    const answer = parseTimedText(record.text('answer').trim());
    if (!record.has('duration')) {
      if (answer.some((piece) => typeof piece === 'number'))
        throw record.error('the answer has times, so the duration must be given');
      return { question, answer };
    }
    const duration = record.number('duration');
    if (duration <= 0) throw record.error(`duration is ${duration}`);
    return { question, answer, duration };
  });
}
