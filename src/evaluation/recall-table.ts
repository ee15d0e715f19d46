import { type JudgedMoment, meanIoU, type RecallRule, recallAt } from './moments.js';

/** The recalls that are reported of a localizer of one moment a query: [n, threshold]. */
const recalls = [
  [1, 0.3],
  [1, 0.5],
  [1, 0.7],
  [1, 0.9],
  [5, 0.5],
  [5, 0.7],
] as const;

/** `R1@0.3` … `R5@0.7` and `mIoU`, in per cent. */
export function recallTable(
  queries: readonly JudgedMoment[],
  rule: RecallRule = 'at-least',
): Record<string, number> {
  const entries = recalls.map(([n, threshold]) => [
    `R${n}@${threshold}`,
    100 * recallAt(queries, n, threshold, rule),
  ]);
  return { ...Object.fromEntries(entries), mIoU: 100 * meanIoU(queries) };
}
