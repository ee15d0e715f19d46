import { checkArgument, path as pathRule } from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { readText } from '../formats/json-record.js';

const LINE = /^\s*(\S+)\s+(\d+(?:\.\d*)?)\s+(\d+(?:\.\d*)?)\s*$/;

/**
 * Reads where it is not clear what is shown: lines of `VIDEO START END`, times in seconds, as in THUMOS-14's
 * `Ambiguous_test.txt`.
 * @returns the ranges of each video
 * @throws FileAccessError where it cannot be read, FileFormatError with the line that is another
 */
export async function readAmbiguousRanges(path: string): Promise<Map<string, Segment[]>> {
  checkArgument('readAmbiguousRanges', 'path', path, pathRule);
  const ranges = new Map<string, Segment[]>();
  for (const [i, line] of (await readText(path)).split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, video, start, end] = LINE.exec(line) ?? [];
    if (video === undefined || Number(start) > Number(end))
      throw new FileFormatError(`${path}, line ${i + 1}: not VIDEO START END`);
    ranges.set(video, [...(ranges.get(video) ?? []), [Number(start), Number(end)]]);
  }
  return ranges;
}
