import { checkArgument, objectWith, someOf, text } from '../arguments.js';
import { overlap, type Segment, segmentRule } from '../time/segment.js';

/** What was predicted for a question about a video, and what is true, in seconds. */
export interface JudgedAnswer {
  readonly video: string;
  readonly predicted: Segment;
  readonly truth: Segment;
}

const answersRule = someOf(
  objectWith<JudgedAnswer>({ video: text, predicted: segmentRule, truth: segmentRule }),
);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Reasoning temporal localization, in per cent, as LITA evaluates ActivityNet-RTL: `mIoU` and `P@0.5`, the share of
 * answers with a temporal IoU of at least that; `P@0.7` is ours. Answers are averaged within each video first, then the
 * videos, so a video counts the same however many questions it has.
 * @throws OptionError where there is no answer, or one is no such object
 */
export function evaluateTemporalReasoning(
  answers: readonly JudgedAnswer[],
): Readonly<Record<'mIoU' | 'P@0.5' | 'P@0.7', number>> {
  checkArgument('evaluateTemporalReasoning', 'answers', answers, answersRule);
  const videos = new Map<string, number[]>();
  for (const { video, predicted, truth } of answers) {
    const overlaps = videos.get(video) ?? [];
    videos.set(video, overlaps);
    overlaps.push(overlap(predicted, truth));
  }
  const percent = (value: (iou: number) => number): number =>
    100 * mean([...videos.values()].map((overlaps) => mean(overlaps.map(value))));
  return {
    mIoU: percent((iou) => iou),
    'P@0.5': percent((iou) => Number(iou >= 0.5)),
    'P@0.7': percent((iou) => Number(iou >= 0.7)),
  };
}
