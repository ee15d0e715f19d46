import { FileFormatError } from '../../errors.js';
import { readCsv } from '../formats/csv.js';
import { type JsonRecord, readJsonRecord } from '../formats/json-record.js';

/** Lengths of videos that a file holds. */
export interface VideoDurations {
  readonly path: string;
  /** In seconds; undefined where the file has no such video. @throws FileFormatError where it is no length */
  of(id: string): number | undefined;
}

/** Names of the field, or the column, that holds a length in seconds. */
const LENGTH = ['duration', 'duration_second', 'length'] as const;
/** Names of the column that holds the video. */
const VIDEO = ['video', 'id', 'video_id'] as const;

/**
 * Reads lengths of videos: `.csv` with a column `video`, `id` or `video_id` and one `duration`, `duration_second` or
 * `length`; or JSON, by id the seconds, or an object that has them under one of these names.
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it is no such file
 */
export async function readDurations(path: string): Promise<VideoDurations> {
  return /\.csv$/i.test(path) ? fromCsv(path) : fromJson(path, await readJsonRecord(path));
}

/** The lengths of a JSON file; each is checked when it is asked for. */
function fromJson(path: string, file: JsonRecord): VideoDurations {
  return {
    path,
    of(id) {
      if (!file.has(id)) return undefined;
      if (typeof file.value(id) === 'number') return file.positive(id);
      const video = file.record(id);
      const name = LENGTH.find((name) => video.has(name));
      if (name === undefined)
        throw video.error(`length is missing: expected seconds under ${LENGTH.join(', or ')}`);
      return video.positive(name);
    },
  };
}

async function fromCsv(path: string): Promise<VideoDurations> {
  const { columns, rows } = await readCsv(path);
  const named = (names: readonly string[]) => names.find((name) => columns.includes(name));
  const [video, length] = [named(VIDEO), named(LENGTH)];
  if (video === undefined || length === undefined)
    throw new FileFormatError(
      `${path} has the columns ${columns.join(', ')}: expected one of ${VIDEO.join(', ')} and one of ${LENGTH.join(', ')}`,
    );
  const lengths = new Map<string, number>();
  for (const row of rows) {
    const id = row.text(video);
    const seconds = row.positive(length);
    const earlier = lengths.get(id);
    if (earlier !== undefined && earlier !== seconds)
      throw row.error(
        `${video} is ${id} a second time, with another ${length}: ${seconds}, before ${earlier}`,
      );
    lengths.set(id, seconds);
  }
  return { path, of: (id) => lengths.get(id) };
}
