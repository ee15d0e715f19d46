import { type JsonRecord, readJsonRecord } from '../data/formats/json-record.js';

/** Where a list of splits puts a video. */
export interface SplitPlace {
  readonly split: string;
  /** Part of the data set, such as a domain, where splits are listed by part. */
  readonly part?: string;
}

/**
 * Reads which video is in which split: a JSON object of lists of ids by split, or of such objects by part.
 * @returns the place of each video by its id
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it breaks that, or a video is in it twice
 */
export async function readSplitFile(path: string): Promise<ReadonlyMap<string, SplitPlace>> {
  const file = await readJsonRecord(path);
  const places = new Map<string, SplitPlace>();
  const add = (record: JsonRecord, part: { readonly part?: string }) => {
    for (const split of record.names) {
      for (const id of record.texts(split)) {
        if (places.has(id))
          throw record.error(`${split} names the video ${JSON.stringify(id)} a second time`);
        places.set(id, { split, ...part });
      }
    }
  };
  const byPart = file.names.some((name) => !Array.isArray(file.value(name)));
  if (byPart) for (const part of file.names) add(file.record(part), { part });
  else add(file, {});
  if (places.size === 0) throw file.error('it names no video');
  return places;
}
