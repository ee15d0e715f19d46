import type { QueryId } from '../../data/formats/json-record.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import type { LayoutQuery } from './layout.js';

/** A sentence with one window. */
export interface QueryWindow {
  /** That of another window of the same query too; without it a window is a query of its own. */
  readonly id?: QueryId;
  readonly text: string;
  readonly window: Segment;
  readonly kind?: string;
  readonly where: string;
}

/**
 * Queries of windows: those with the same id are of one query.
 * @throws FileFormatError where two of them have other words
 */
export function joinWindows(video: string, all: readonly QueryWindow[]): LayoutQuery[] {
  const queries = new Map<QueryId, LayoutQuery & { readonly windows: Segment[] }>();
  for (const { text, window, kind, where, id = `${video}/${queries.size}` } of all) {
    const query = queries.get(id);
    if (query && (query.text !== text || query.kind !== kind))
      throw new FileFormatError(
        `${where}: the query ${JSON.stringify(id)} has other words, or another kind, than before`,
      );
    if (query) query.windows.push(window);
    else queries.set(id, { id, text, windows: [window], ...(kind !== undefined && { kind }) });
  }
  return [...queries.values()];
}
