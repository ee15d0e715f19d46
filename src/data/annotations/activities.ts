import { type JsonRecord, type OnRefused, readEach, readJsonRecord } from '../formats/json-record.js';

/** A video of ActivityNet's annotations of actions. */
export interface ActivityVideo {
  readonly id: string;
  readonly record: JsonRecord;
  readonly subset: string | undefined;
  /** In seconds. */
  readonly duration: number | undefined;
  /** Frames a second, where the number of frames is given too. */
  readonly frameRate: number | undefined;
  /** In seconds, read when they are asked for; published segments have some that end after their video, or before they start. */
  segments(): { readonly label: string; readonly segment: readonly [number, number] }[];
}

/**
 * Reads ActivityNet's annotations of actions: under `database`, or, as BSN has them, at the top, by video its `annotations`,
 * a list of `label` and `segment` ([start, end] in seconds); its `subset`, and `duration` or `duration_second` where it
 * has them.
 * @param form `database` where a file without that is refused
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it breaks that
 */
export async function readActivities(
  path: string,
  form?: 'database',
  onRefused?: OnRefused,
): Promise<ActivityVideo[]> {
  const file = await readJsonRecord(path);
  const videos = form || file.has('database') ? file.record('database') : file;
  const read = (id: string): ActivityVideo => {
    const record = videos.record(id);
    const length = ['duration', 'duration_second'].find((name) => record.has(name));
    const duration = length === undefined ? undefined : record.positive(length);
    const frames = record.has('duration_frame') ? record.positive('duration_frame') : undefined;
    return {
      id,
      record,
      subset: record.has('subset') ? record.text('subset') : undefined,
      duration,
      frameRate: frames === undefined || duration === undefined ? undefined : frames / duration,
      segments: () =>
        record
          .records('annotations')
          .map((one) => ({ label: one.text('label'), segment: one.pair('segment') })),
    };
  };
  return readEach(videos.names, read, onRefused);
}
