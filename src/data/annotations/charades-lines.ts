import { FileFormatError } from '../../errors.js';
import { type OnRefused, readEach, readText } from '../formats/json-record.js';

/** A line of Charades-STA. */
export interface CharadesLine {
  readonly video: string;
  /** In seconds; published lines have some that end after their video, or before they start. */
  readonly span: readonly [number, number];
  readonly sentence: string;
  /** File and line. */
  readonly where: string;
}

/** `VIDEO START END##SENTENCE` */
const LINE = /^(\S+) (\d+(?:\.\d*)?) (\d+(?:\.\d*)?)##(.*\S.*)$/;

/**
 * Reads Charades-STA: lines of `VIDEO START END##SENTENCE`, times in seconds.
 * @throws FileAccessError where it cannot be read, FileFormatError with the line that is another
 */
export async function readCharadesLines(path: string, onRefused?: OnRefused): Promise<CharadesLine[]> {
  const lines = [...(await readText(path)).split(/\r?\n/).entries()].filter(([, line]) => line.trim() !== '');
  const read = ([i, line]: readonly [number, string]): CharadesLine => {
    const where = `${path}, line ${i + 1}`;
    const [, video, start, end, sentence] = LINE.exec(line) ?? [];
    if (video === undefined) throw new FileFormatError(`${where}: not VIDEO START END##SENTENCE`);
    return { video, span: [Number(start), Number(end)], sentence: sentence!.trim(), where };
  };
  return readEach(lines, read, onRefused);
}
