import { checkArguments, listOf, mapOf } from '../arguments.js';
import { type Detection, detectionRule, type Segment, segmentRule } from '../time/segment.js';

/**
 * Leaves out predictions that overlap a range where it is not clear what is shown, as the evaluation of THUMOS-14 in the code
 * of CO2-Net and DELU does.
 * @param predictions by video
 * @param ranges by video, in the unit of the predictions (`readAmbiguousRanges`)
 * @throws OptionError
 */
export function clearPredictions(
  predictions: ReadonlyMap<string, readonly Detection[]>,
  ranges: ReadonlyMap<string, readonly Segment[]>,
): Map<string, readonly Detection[]> {
  checkArguments(
    'clearPredictions',
    { predictions, ranges },
    { predictions: mapOf(listOf(detectionRule)), ranges: mapOf(listOf(segmentRule)) },
  );
  return new Map(
    [...predictions].map(([video, found]) => {
      const unclear = ranges.get(video) ?? [];
      const clear = ({ segment: [start, end] }: Detection) =>
        unclear.every(([from, to]) => end <= from || start >= to);
      return [video, found.filter(clear)];
    }),
  );
}
