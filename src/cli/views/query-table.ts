import { recallTable } from '../../evaluation/recall-table.js';
import { evaluateAskedHighlights } from '../../models/common/judged-highlights.js';
import type { FoundQueries, FoundQuery } from '../shared/found-queries.js';
import { highlightBaselines } from '../shared/highlight-baselines.js';
import { markdownTable } from './markdown-table.js';

/** A row with what was found by each seed. */
export interface QueryResults {
  readonly name: string;
  readonly seeds: readonly FoundQueries[];
}

type Numbers = Readonly<Record<string, number>>;

/**
 * A Markdown table in per cent: of each row the mean over its seeds, and the lowest and the highest. Of TVSum and YouTube
 * Highlights the score of highlights, with the domains, and below the baselines that never look at the video, and the
 * annotators; of others the recalls of moments, and highlights where clips have scores.
 */
export function queryTable(rows: readonly QueryResults[]): string {
  const measured = rows.map(({ name, seeds }) => ({ name, numbers: seeds.map(numbersOf) }));
  return markdownTable([...measured, ...baselines(rows[0]!.seeds[0]!)]);
}

type Highlights = NonNullable<FoundQuery['highlights']>;

const highlightsOf = (found: FoundQueries): Highlights[] =>
  Object.values(found).flatMap(({ highlights }) => highlights ?? []);

const evaluated = (
  highlights: readonly Highlights[],
  predicted: readonly (readonly number[])[] = highlights.map((of) => of.predicted),
) => evaluateAskedHighlights(highlights, predicted);

function numbersOf(found: FoundQueries): Numbers {
  const highlights = highlightsOf(found);
  const { metrics = {}, domains } = highlights.length > 0 ? evaluated(highlights) : {};
  if (domains) return { ...metrics, ...domains };
  const known = Object.values(found).filter(({ windows }) => windows.length > 0);
  const moments = known.map((query) => ({ predicted: query.moments, truths: query.windows }));
  return { ...recallTable(moments), ...metrics };
}

function baselines(found: FoundQueries): { name: string; numbers: Numbers[] }[] {
  const highlights = highlightsOf(found);
  const { metrics, domains } = highlights.length > 0 ? evaluated(highlights) : {};
  if (!domains) return [];
  const [metric] = Object.keys(metrics!);
  const values = highlightBaselines(
    highlights.map(({ judged }) => judged),
    (predicted) => evaluated(highlights, predicted) as Required<ReturnType<typeof evaluated>>,
  );
  return Object.entries(values).map(([name, value]) => ({ name, numbers: [{ [metric!]: value }] }));
}
