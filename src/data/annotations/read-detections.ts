import { checkArgument, checkArguments, path as pathRule, text } from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import type { Detection, LabelledSegment } from '../../time/segment.js';
import { readJsonRecord } from '../formats/json-record.js';
import { readActivities } from './activities.js';

/**
 * Reads predictions in ActivityNet's detection format: `results` holds, by video, a list of `label`, `score` and
 * `segment` ([start, end] in seconds).
 * @throws FileAccessError where it cannot be read, FileFormatError with the place in the file where a field is
 *   missing, is of another type or not finite, or a segment starts after its end
 */
export async function readDetections(path: string): Promise<Map<string, Detection[]>> {
  checkArgument('readDetections', 'path', path, pathRule);
  const results = (await readJsonRecord(path)).record('results');
  return new Map(
    results.names.map((video) => [
      video,
      results.records(video).map((detection) => ({
        label: detection.text('label'),
        score: detection.number('score'),
        segment: detection.span('segment'),
      })),
    ]),
  );
}

/**
 * Reads the annotations of one subset in ActivityNet's format: `database` holds, by video, its `subset` and its
 * `annotations`, a list of `label` and `segment` ([start, end] in seconds).
 * @throws as `readDetections`, and FileFormatError where the subset has no annotation
 */
export async function readAnnotations(path: string, subset: string): Promise<Map<string, LabelledSegment[]>> {
  checkArguments('readAnnotations', { path, subset }, { path: pathRule, subset: text });
  const subsets = new Set<string>();
  const videos = new Map<string, LabelledSegment[]>();
  for (const { id, record, subset: own } of await readActivities(path, 'database')) {
    subsets.add(own ?? record.text('subset'));
    if (own !== subset) continue;
    videos.set(
      id,
      record
        .records('annotations')
        .map((annotation) => ({ label: annotation.text('label'), segment: annotation.span('segment') })),
    );
  }
  if ([...videos.values()].every((annotations) => annotations.length === 0)) {
    const held = [...subsets].join(', ') || 'none';
    throw new FileFormatError(`${path} annotates no video of the subset ${subset}; its subsets: ${held}`);
  }
  return videos;
}
