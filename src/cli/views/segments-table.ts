import type { Localization } from '../../models/wtal/localize.js';
import type { Detection } from '../../time/segment.js';

/** Prints the best class and the ranked segments. */
export function printSegments({ segments, classes }: Localization, top: number): void {
  const [best] = classes;
  if (best) console.log(`best class: ${best.label} (probability ${best.probability.toFixed(3)})`);
  printRanked(segments, top);
}

/** Prints the first of some segments, which come by falling score. */
export function printRanked(segments: readonly Detection[], top: number): void {
  if (segments.length === 0) {
    console.log('no segment stands out');
    return;
  }
  const width = Math.max(5, ...segments.slice(0, top).map(({ label }) => label.length));
  console.log(`${'rank'.padStart(4)}  ${'label'.padEnd(width)}  score   start     end`);
  for (const [i, { label, score, segment }] of segments.slice(0, top).entries()) {
    const [start, end] = segment.map((seconds) => seconds.toFixed(2).padStart(6));
    console.log(
      `${String(i + 1).padStart(4)}  ${label.padEnd(width)}  ${score.toFixed(3)}  ${start}  ${end}`,
    );
  }
  if (segments.length > top) console.log(`and ${segments.length - top} more`);
}
