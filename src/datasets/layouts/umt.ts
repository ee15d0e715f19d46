import { type JsonRecord, type OnRefused, readEach, readJsonRecord } from '../../data/formats/json-record.js';
import type { DatasetFile } from '../dataset-file.js';
import type { DatasetFolder } from '../dataset-folder.js';

/** The features of videos as UMT distributes them: I3D of pictures and of optical flow. */
const FEATURES = { parts: ['rgb', 'opt'].map((kind) => ({ file: `video_features/{id}_${kind}.npy` })) };

/** The `dataset.json` of a folder of UMT, which is known by the name of its annotations. */
export function umtFolder({ names }: DatasetFolder, layout: string, file: string): DatasetFile | undefined {
  if (!names.includes(file)) return undefined;
  return {
    annotations: { layout, files: file, ...(names.includes('splits.json') && { splits: 'splits.json' }) },
    ...(names.includes('video_features') && { features: FEATURES }),
  };
}

/** A video of UMT's annotations. */
export interface UmtVideo {
  readonly id: string;
  readonly record: JsonRecord;
  /** Code of the domain. */
  readonly domain: string;
  readonly frameRate: number;
  /** In seconds. */
  readonly duration: number;
}

export async function umtVideos(path: string, onRefused?: OnRefused): Promise<UmtVideo[]> {
  const file = await readJsonRecord(path);
  const read = (id: string): UmtVideo => {
    const record = file.record(id);
    const frameRate = record.positive('fps');
    const frames = record.numeral('frames');
    if (frames <= 0) throw record.error(`frames is ${frames}`);
    return { id, record, domain: record.text('domain'), frameRate, duration: frames / frameRate };
  };
  return readEach(file.names, read, onRefused);
}
