import {
  checkArgument,
  checkArguments,
  either,
  integer,
  listOf,
  objectWith,
  path as pathRule,
  rule,
  spanOf,
  text as textRule,
} from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import {
  type JsonRecord,
  type OnRefused,
  type QueryId,
  readEach,
  readJsonObjects,
  readJsonRecord,
} from '../formats/json-record.js';
import { parseTimedText } from '../text/timed-text.js';
import { type QuestionAnswer, questionAnswerRules } from './question-answer.js';

/** A question of the evaluation, whose answer names one span. */
export interface TemporalQuestion extends QuestionAnswer {
  readonly id: QueryId;
  readonly spans: readonly [Segment];
}

const questionRule = objectWith<TemporalQuestion>({
  ...questionAnswerRules,
  id: either(integer(), textRule),
  spans: rule(
    'an array of one span',
    (value) => Array.isArray(value) && value.length === 1 && spanOf().accepts(value[0]),
  ),
});

/** What was predicted for a question: the model's words, or the span itself in seconds, within the video. */
export type TemporalPrediction = { readonly output: string } | { readonly span: Segment };

/** The span that an answer begins with: its first two times, within the video; none where it has fewer. */
function firstSpan(answer: QuestionAnswer['answer'], duration: number): [Segment] | [] {
  const [a, b] = answer.flatMap((piece) => (typeof piece === 'number' ? [Math.min(piece, duration)] : []));
  return a === undefined || b === undefined ? [] : [[Math.min(a, b), Math.max(a, b)]];
}

function questionAnswer(video: string, duration: number, question: string, text: string): QuestionAnswer {
  const answer = parseTimedText(text.trim());
  const spans = firstSpan(answer, duration);
  return { video, excerpt: [0, duration], duration, question: question.trim(), answer, spans };
}

/**
 * Reads the training questions of ActivityNet-RTL (LITA): an object that holds, by video, `duration` in seconds and
 * `QA`, a list of questions `q` and answers `a`; times in answers are seconds in angle brackets, `<12.5>`. The span of
 * an answer is given by its first two times; an answer with fewer has none.
 * @throws FileAccessError where it cannot be read, FileFormatError with video and question where it breaks that
 */
export async function readTemporalTraining(path: string): Promise<QuestionAnswer[]> {
  checkArgument('readTemporalTraining', 'path', path, pathRule);
  return temporalTraining(path);
}

/** As `readTemporalTraining`; a video that breaks the format is passed over where there is `onRefused`. */
export async function temporalTraining(path: string, onRefused?: OnRefused): Promise<QuestionAnswer[]> {
  const file = await readJsonRecord(path);
  const read = (name: string): QuestionAnswer[] => {
    const video = file.record(name);
    const duration = video.positive('duration');
    return video.records('QA').map((qa) => questionAnswer(name, duration, qa.text('q'), qa.text('a')));
  };
  return readEach(file.names, read, onRefused).flat();
}

/** Objects by their question. */
async function byQuestion(path: string): Promise<Map<QueryId, JsonRecord>> {
  const records = new Map<QueryId, JsonRecord>();
  for (const record of await readJsonObjects(path)) {
    const id = record.queryId('question_id');
    const earlier = records.get(id);
    if (earlier)
      throw record.error(`question_id ${JSON.stringify(id)} occurs twice, first in ${earlier.where}`);
    records.set(id, record);
  }
  if (records.size === 0) throw new FileFormatError(`${path} holds no question`);
  return records;
}

/**
 * Reads the questions that ActivityNet-RTL is evaluated with (LITA): a list of `question_id`, `vid`, `question`,
 * `answer` and `duration` in seconds; times in answers are seconds in angle brackets, the first two the true span.
 * @throws FileAccessError where it cannot be read; FileFormatError with the entry where a field is missing, an answer
 *   has fewer than two times, or a question comes twice
 */
export async function readTemporalQuestions(path: string): Promise<TemporalQuestion[]> {
  checkArgument('readTemporalQuestions', 'path', path, pathRule);
  return temporalQuestions(path);
}

/** As `readTemporalQuestions`; a question that breaks the format is passed over where there is `onRefused`. */
export async function temporalQuestions(path: string, onRefused?: OnRefused): Promise<TemporalQuestion[]> {
  const read = ([id, record]: readonly [QueryId, JsonRecord]): TemporalQuestion => {
    const duration = record.positive('duration');
    const text = record.text('answer');
    const question = questionAnswer(record.text('vid'), duration, record.text('question'), text);
    const [span] = question.spans;
    if (!span) throw record.error(`answer ${JSON.stringify(text)} has fewer than two times <seconds>`);
    return { id, ...question, spans: [span] };
  };
  return readEach([...(await byQuestion(path))], read, onRefused);
}

/**
 * Reads what was predicted for questions: a JSON list, or JSON lines, of `question_id` and either `output`, what the
 * model said, or `span`, [start, end] in seconds, which is cut to the video.
 * @param questions those that must be answered, each once
 * @returns a prediction for each question, in their order
 * @throws FileAccessError where it cannot be read; FileFormatError with the entry where it breaks that, or with the
 *   question that has no prediction
 */
export async function readTemporalPredictions(
  path: string,
  questions: readonly TemporalQuestion[],
): Promise<TemporalPrediction[]> {
  checkArguments(
    'readTemporalPredictions',
    { path, questions },
    { path: pathRule, questions: listOf(questionRule) },
  );
  const records = await byQuestion(path);
  const known = new Set(questions.map(({ id }) => id));
  for (const [id, record] of records)
    if (!known.has(id)) throw record.error(`question_id ${JSON.stringify(id)} is no question of the truths`);
  return questions.map(({ id, duration }) => {
    const record = records.get(id);
    if (!record) throw new FileFormatError(`${path} has no prediction for question ${JSON.stringify(id)}`);
    if (record.has('output') === record.has('span')) throw record.error('expected either output or span');
    if (record.has('span')) {
      const [start, end] = record.span('span').map((seconds) => Math.min(duration, Math.max(0, seconds)));
      return { span: [start!, end!] };
    }
    // An empty answer is an answer.
    return { output: record.string('output') };
  });
}
