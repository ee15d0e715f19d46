import type { DatasetReport } from '../../datasets/check/check-dataset.js';
import type { LengthSummary } from '../../datasets/check/dataset-summary.js';
import type { FaultKind } from '../../datasets/fault.js';

const headings: Readonly<Record<FaultKind, string>> = {
  file: 'files that cannot be read',
  entry: 'entries that cannot be used',
  duplicate: 'what is there twice',
  span: 'spans that are cut or left out',
  query: 'queries without words',
  words: 'words without a vector',
  priors: 'priors that cannot be used',
  class: 'classes',
  'missing-features': 'videos without features',
  'extra-features': 'features without a video',
  'not-finite': 'features with NaN or infinity',
  'feature-shape': 'features of another shape than expected',
};

/**
 * Prints what a data set holds, then its faults by kind.
 * @param most faults of a kind, and classes, that are printed
 */
export function printReport({ name, summary, features, faults }: DatasetReport, most: number): void {
  console.log(name);
  const { splits, classes } = summary;
  const cells = splits.map(({ split, videos, segments, queries, moments, captions }) => [
    split,
    `${videos.count}`,
    lengths(videos),
    `${segments.count}`,
    segments.count > 0 ? (segments.count / videos.count).toFixed(1) : '-',
    lengths(segments),
    `${queries}`,
    lengths(moments),
    `${captions}`,
  ]);
  if (cells.length > 0) {
    const head = ['split', 'videos', 's', 'segments', 'a video', 's', 'queries', 's', 'captions'];
    printTable([head, ...cells]);
    console.log('(s: least, median, most seconds of videos, segments, moments)');
  }
  if (classes.length > 0) {
    const names = splits.map(({ split }) => split);
    const sorted = [...classes].sort((a, b) => sum(b.bySplit) - sum(a.bySplit));
    console.log('');
    printTable([
      ['class', ...names],
      ...sorted
        .slice(0, most)
        .map(({ label, bySplit }) => [label, ...names.map((split) => `${bySplit[split]}`)]),
    ]);
    if (classes.length > most) console.log(`and ${classes.length - most} more`);
  }
  if (features) {
    const channels = Object.keys(features.channels).join(' and ') || 'no';
    console.log(`\nfeatures of ${features.videos} videos, ${features.rows} rows, ${channels} channels`);
  }
  for (const [kind, heading] of Object.entries(headings)) {
    const found = faults.filter((fault) => fault.kind === kind);
    if (found.length === 0) continue;
    console.log(`\n${heading}: ${found.length}`);
    for (const { message } of found.slice(0, most)) console.log(`  ${message}`);
    if (found.length > most) console.log(`  and ${found.length - most} more`);
  }
  console.log(
    faults.length === 0 ? '\nno faults' : `\n${faults.length} fault${faults.length === 1 ? '' : 's'}`,
  );
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0);

const lengths = ({ count, least, median, most }: LengthSummary): string =>
  count === 0 ? '-' : [least, median, most].map((seconds) => seconds.toFixed(1)).join(' ');

/** A table whose first column is text and whose others are numbers. */
function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
    console.log(cells.join('  ').trimEnd());
  }
}
