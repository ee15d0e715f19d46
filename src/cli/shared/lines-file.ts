import { stat } from 'node:fs/promises';
import { type AppendedFile, openAppended } from '../../data/files/appended-file.js';
import { readBytes } from '../../data/files/byte-source.js';
import { isStream } from '../../data/files/output-file.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import { FileFormatError, OptionError } from '../../errors.js';
import type { LocalizedLine } from './localized-lines.js';

/** Results, a line each, on the disk as soon as they are there. A run that was ended goes on after the last whole line. */
export class LinesFile {
  private constructor(
    private readonly run: string,
    private readonly file: AppendedFile,
    /** What the file held when it was opened. */
    readonly earlier: readonly LocalizedLine[],
  ) {}

  /**
   * @param run what the lines depend on, in short: each line begins with it, and a file has lines of one run only
   * @throws FileAccessError; FileFormatError where the file holds something else than such lines, OptionError where they
   *   are of another run: both leave it as it is
   */
  static async open(path: string, run: string): Promise<LinesFile> {
    const bytes = await bytesThere(path);
    const end = bytes.lastIndexOf(0x0a) + 1;
    const text = new TextDecoder();
    const lines = text.decode(bytes.subarray(0, end)).split('\n').slice(0, -1);
    const earlier = lines.map((line, i) => readLine(line, run, `${path}, line ${i + 1}`));
    // Only what such a run left half written is dropped.
    const rest = text.decode(bytes.subarray(end));
    const begin = beginning(run);
    if (!begin.startsWith(rest.slice(0, begin.length)))
      throw new FileFormatError(`${path}, line ${lines.length + 1}: not written by tal localize`);
    return new LinesFile(run, await openAppended(path, end), earlier);
  }

  async append(lines: readonly LocalizedLine[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify({ run: this.run, ...line })}\n`);
    await this.file.append(text.join(''));
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const beginning = (run: string): string => `${JSON.stringify({ run }).slice(0, -1)},`;

async function bytesThere(path: string): Promise<Uint8Array> {
  if (await isStream(path)) return new Uint8Array(0);
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  return there ? readBytes(path) : new Uint8Array(0);
}

function readLine(line: string, run: string, where: string): LocalizedLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // What is no JSON is refused below.
  }
  if (!isObject(value) || !isLine(value))
    throw new FileFormatError(`${where}: not written by tal localize, so nothing is appended to the file`);
  const { run: own, ...rest } = value;
  if (own !== run)
    throw new OptionError(
      `${where}: of another model, query, data set or options: give another name, or delete the file`,
    );
  return rest as unknown as LocalizedLine;
}

const isLine = ({ run, qid, video_id, pred_relevant_windows, segments }: Record<string, unknown>): boolean =>
  typeof run === 'string' &&
  (qid === undefined
    ? typeof video_id === 'string' && Array.isArray(segments)
    : Array.isArray(pred_relevant_windows));
