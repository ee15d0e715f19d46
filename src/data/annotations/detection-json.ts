import { checkArguments, listOf, optional, path as pathRule, text, valuesOf } from '../../arguments.js';
import { type Detection, detectionRule } from '../../time/segment.js';
import { writeWhole } from '../files/output-file.js';

/** The submission format of the ActivityNet detection task, which its evaluation toolkit reads. */
export interface DetectionFile {
  version: string;
  results: Record<string, Detection[]>;
  external_data: { used: boolean; details?: string };
}

/**
 * @param results detections by video
 * @param externalData what was used beyond the benchmark's own training data, e.g. pretrained features
 * @throws OptionError where a score or a bound is not finite, or a segment ends before it starts
 */
export function detectionFile(
  results: Readonly<Record<string, readonly Detection[]>>,
  externalData?: string,
): DetectionFile {
  checkArguments(
    'writeDetections',
    { results, externalData },
    { results: valuesOf(listOf(detectionRule)), externalData: optional(text) },
  );
  return {
    version: 'VERSION 1.3',
    results: Object.fromEntries(
      Object.entries(results).map(([video, detections]) => [
        video,
        detections.map(({ label, score, segment }) => ({ label, score, segment })),
      ]),
    ),
    external_data: externalData === undefined ? { used: false } : { used: true, details: externalData },
  };
}

/**
 * Writes detections in the ActivityNet format.
 * @param path a file, FIFO or device; `-` is standard output
 * @throws FileAccessError, and OptionError as `detectionFile`
 */
export async function writeDetections(
  path: string,
  results: Readonly<Record<string, readonly Detection[]>>,
  externalData?: string,
): Promise<void> {
  checkArguments('writeDetections', { path }, { path: pathRule });
  await writeWhole(path, `${JSON.stringify(detectionFile(results, externalData), null, 2)}\n`);
}
