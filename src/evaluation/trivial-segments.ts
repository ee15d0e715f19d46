import { checkArguments, integer, listOf, objectWith, positive, text } from '../arguments.js';
import type { Detection } from '../time/segment.js';

/** A class of a video, with how sure that is. */
export interface ScoredClass {
  readonly label: string;
  /** Above 0. */
  readonly score: number;
}

/**
 * What can be said of a video without looking when: its whole for each of its classes, and its halves, thirds and so on. A
 * part scores as much of the class's score as it covers of the video. What finds actions should be better (ours).
 * @param duration seconds
 * @param parts 1: the whole alone; 4: whole, halves, thirds and quarters
 * @throws OptionError
 */
export function trivialSegments(
  classes: readonly ScoredClass[],
  duration: number,
  parts: number,
): Detection[] {
  checkArguments(
    'trivialSegments',
    { classes, duration, parts },
    {
      classes: listOf(objectWith<ScoredClass>({ label: text, score: positive })),
      duration: positive,
      parts: integer(1),
    },
  );
  return classes.flatMap(({ label, score }) =>
    Array.from({ length: parts }, (_, i) => i + 1).flatMap((count) =>
      Array.from({ length: count }, (_, part) => ({
        label,
        score: score / count,
        segment: [(part * duration) / count, ((part + 1) * duration) / count] as const,
      })),
    ),
  );
}
