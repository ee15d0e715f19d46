import type { WrittenQuestion } from '../../../data/annotations/question-lines.js';
import { OptionError } from '../../../errors.js';

export interface TextQuestionsOptions {
  /** What messages call the questions: the path of their file. */
  readonly data: string;
  /** Whether the model can look at videos, as a folder of LLaDA-V's form can. */
  readonly hasVisionEncoder: boolean;
}

/** Marks that stand for pictures or videos in a text: `<image>` (LLaVA), `<video>`, `<|vision_start|>`, `<|image_pad|>`. */
const visualMark = /<\|?(?:image|video|vision|visual)(?:[_-]?(?:pad|start|end|token|soft_token|\d+))?\|?>/i;

/** What of a question shows that it is about a video or a picture; undefined where nothing does. */
function visualPart({ question, answer, video }: WrittenQuestion): string | undefined {
  if (video !== undefined) return `names ${JSON.stringify(video)}`;
  const texts = [question, ...answer.filter((piece) => typeof piece === 'string')];
  const [mark] = texts.flatMap((text) => visualMark.exec(text)?.[0] ?? []);
  return mark && `has the mark ${mark}`;
}

const hasTimes = ({ answer }: WrittenQuestion): boolean => answer.some((piece) => typeof piece === 'number');

/**
 * Refuses questions about videos where the training shows the model no frames: it would learn to guess. Without a video
 * that is named, times in an answer may follow from the question's text, such as a transcript; a model with a vision
 * encoder is taken to need its video for them.
 * @returns how many answers have times, for the caller to tell
 * @throws OptionError that names the first such question, and says what is possible
 */
export function checkTextQuestions(
  questions: readonly WrittenQuestion[],
  { data, hasVisionEncoder }: TextQuestionsOptions,
): number {
  const possible =
    'this training shows the model no frames, so it would learn to guess. Give questions that their text alone ' +
    'answers, without the name of a video, <image> and the like; ' +
    'training with frames is not possible yet';
  for (const [i, question] of questions.entries()) {
    const part =
      visualPart(question) ??
      (hasVisionEncoder && hasTimes(question)
        ? 'has times of a video in its answer, and the model has a vision encoder'
        : undefined);
    if (part) {
      throw new OptionError(
        `trainLora: data must hold questions about text, question ${i + 1} of ${data} ${part}: ${possible}`,
      );
    }
  }
  return questions.filter(hasTimes).length;
}
