import type { QueryId } from '../../data/formats/json-record.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import { type AskedHighlights, askedHighlights, scoresAt } from '../../models/common/judged-highlights.js';
import type { Predictions } from '../../models/localization-model.js';
import type { ScoredSegment, Segment } from '../../time/segment.js';

/** A query with what is true of it and what a model found. */
export interface FoundQuery {
  /** Empty where no moment is known. */
  readonly windows: readonly Segment[];
  readonly moments: readonly ScoredSegment[];
  /** Where clips have scores, and the model tells of clips. */
  readonly highlights?: Pick<AskedHighlights, 'benchmark' | 'domain' | 'judged'> & {
    /** For each clip that was judged. */
    readonly predicted: readonly number[];
  };
}

/** By the id of the query. */
export type FoundQueries = Readonly<Record<QueryId, FoundQuery>>;

/** @throws OptionError where nothing is known of the queries of the split */
export function foundQueries(
  data: VideoDataset,
  split: string,
  { moments, saliency }: Predictions,
): FoundQueries {
  const clips = new Map(askedHighlights(data, split).map((asked) => [asked.query.id, asked]));
  const queries = data.items(split).flatMap(({ annotations }) =>
    (annotations.queries ?? []).flatMap(({ id, windows }) => {
      const [asked, curve] = [clips.get(id), saliency?.get(id)];
      const { benchmark, domain, judged } = asked ?? {};
      const found: FoundQuery = {
        ...{ windows, moments: moments!.get(id)! },
        ...(asked &&
          curve && {
            highlights: {
              ...{ benchmark: benchmark!, domain: domain!, judged: judged! },
              predicted: scoresAt(curve, asked.clips),
            },
          }),
      };
      return windows.length > 0 || found.highlights ? [[id, found] as const] : [];
    }),
  );
  if (queries.length > 0) return Object.fromEntries(queries);
  throw new OptionError(
    `compare: the split ${split} of ${data.name} has no queries whose moments or highlights are known`,
  );
}
