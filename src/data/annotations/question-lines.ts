import { checkArgument, path as pathRule } from '../../arguments.js';
import { type JsonRecord, readJsonLines } from '../formats/json-record.js';
import { parseTimedText } from '../text/timed-text.js';
import type { QuestionAnswer } from './question-answer.js';
import { readTemporalTraining } from './temporal-reasoning.js';

/** A question and its answer, about a video of a known length where the answer has times. */
export type WrittenQuestion = Pick<QuestionAnswer, 'question' | 'answer'> & {
  /** In seconds. */
  readonly duration?: number;
  /** The video or picture that it is about, where the file names one. */
  readonly video?: string;
};

/** Fields that name a video or a picture in the usual formats of questions. */
const visualFields =
  /^(?:videos?|vid|images?|pictures?|frames?)(?:_?(?:id|ids|path|paths|file|files|name|names|url))?$/i;
const visualFile = /\.(?:mp4|m4v|webm|mkv|mov|avi|mpe?g|jpe?g|png|webp|gif|bmp)$/i;

/** The video or picture that a line names; undefined where it names none. */
function visualOf(record: JsonRecord): string | undefined {
  for (const name of record.names) {
    if (name === 'question' || name === 'answer') continue;
    const items = [record.value(name)].flat();
    const text = items
      .filter((item) => typeof item === 'string' || typeof item === 'number')
      .join(', ')
      .trim();
    if (text !== '' && (visualFields.test(name) || visualFile.test(text))) return text;
  }
  return undefined;
}

/**
 * Reads questions and answers: JSON lines of `question`, `answer` and, where the answer has times (seconds in angle
 * brackets, `<12.5>`), `duration` of the video in seconds; a line may name its video or picture (`video`, `vid`, `image`
 * and the like, or the name of such a file under any other name). A file of any other ending than `.jsonl` is read as
 * the training questions of ActivityNet-RTL (`readTemporalTraining`).
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it breaks that
 */
export async function readWrittenQuestions(path: string): Promise<WrittenQuestion[]> {
  checkArgument('readWrittenQuestions', 'path', path, pathRule);
  if (!/\.jsonl$/i.test(path)) return readTemporalTraining(path);
  return (await readJsonLines(path)).map((record) => {
    const question = record.text('question').trim();
    const answer = parseTimedText(record.text('answer').trim());
    const video = visualOf(record);
    const written = { question, answer, ...(video !== undefined && { video }) };
    if (!record.has('duration')) {
      if (answer.some((piece) => typeof piece === 'number'))
        throw record.error('the answer has times, so the duration must be given');
      return written;
    }
    const duration = record.number('duration');
    if (duration <= 0) throw record.error(`duration is ${duration}`);
    return { ...written, duration };
  });
}
