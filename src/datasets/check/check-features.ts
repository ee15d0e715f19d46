import type { AbortSignalLike } from '../../abort.js';
import { NotFiniteError, ShapeError, TalError } from '../../errors.js';
import type { OnFault } from '../fault.js';
import type { VideoDataset, VideoItem } from '../video-dataset.js';
import { wrongLength } from './feature-length.js';

/** Features of the videos that were read. */
export interface FeatureSummary {
  /** Videos whose features are sound. */
  readonly videos: number;
  readonly rows: number;
  /** How many videos have so many channels, by the number of channels. */
  readonly channels: Readonly<Record<string, number>>;
}

interface Told {
  readonly item: VideoItem;
  readonly split: string;
}

/**
 * Reads the features of every video once, one after the other.
 * @param onItem called after each video
 */
export async function checkFeatures(
  dataset: VideoDataset,
  onFault: OnFault,
  onItem: () => void,
  signal: AbortSignalLike | undefined,
): Promise<FeatureSummary> {
  const all = new Map<string, Told>();
  for (const split of dataset.splits)
    for (const item of dataset.items(split)) if (!all.has(item.id)) all.set(item.id, { item, split });
  const absent = await checkStored(dataset, all, onFault);
  const byChannels = new Map<number, string[]>();
  let rows = 0;
  for (const [id, { item, split }] of all) {
    signal?.throwIfAborted();
    if (item.features && !absent.has(id)) {
      const read = await readSound(item, split, onFault);
      if (read) {
        rows += read.steps;
        byChannels.set(read.channels, [...(byChannels.get(read.channels) ?? []), id]);
      }
    }
    onItem();
  }
  const [usual, ...others] = [...byChannels].sort(([, a], [, b]) => b.length - a.length);
  for (const [channels, ids] of others) {
    for (const id of ids) {
      const { split } = all.get(id)!;
      const message = `${id}: its features have ${channels} channels, those of ${usual![1].length} others ${usual![0]}`;
      onFault({ kind: 'feature-shape', video: id, split, message });
    }
  }
  return {
    videos: [...byChannels.values()].reduce((sum, ids) => sum + ids.length, 0),
    rows,
    channels: Object.fromEntries([...byChannels].map(([channels, ids]) => [channels, ids.length])),
  };
}

/** Compares the stored features with the videos by their ids. @returns the videos that lack some */
async function checkStored(
  dataset: VideoDataset,
  videos: ReadonlyMap<string, Told>,
  onFault: OnFault,
): Promise<ReadonlySet<string>> {
  const absent = new Set<string>();
  if (!dataset.storedFeatures) return absent;
  let parts: Awaited<ReturnType<typeof dataset.storedFeatures>>;
  try {
    parts = await dataset.storedFeatures();
  } catch (error) {
    if (!(error instanceof TalError)) throw error;
    onFault({ kind: 'file', message: error.message });
    return new Set(videos.keys());
  }
  for (const { name, ids } of parts) {
    const stored = new Set(ids);
    for (const [id, { split }] of videos) {
      if (stored.has(id)) continue;
      absent.add(id);
      onFault({
        kind: 'missing-features',
        video: id,
        split,
        message: `${id}: there are no features in ${name}`,
      });
    }
    for (const id of stored) {
      if (videos.has(id)) continue;
      onFault({
        kind: 'extra-features',
        video: id,
        message: `${id}: there are features in ${name}, and the annotations lack the video`,
      });
    }
  }
  return absent;
}

/** The shape of the features of a video where they can be read. */
async function readSound(
  item: VideoItem,
  split: string,
  onFault: OnFault,
): Promise<{ readonly steps: number; readonly channels: number } | undefined> {
  const { id, duration } = item;
  try {
    const { steps, channels, stride, window } = await item.features!();
    const wrong = wrongLength(steps, duration, { stride, window });
    if (wrong) {
      const usual =
        wrong.usual === undefined ? 'no usual stride fits' : `a stride of ${wrong.usual} would fit`;
      const message =
        `${id}: ${steps} rows of features, one every ${short(stride)} s, are ${short(steps * stride)} s, and the video has ` +
        `${short(duration)} s: they are off by a factor of ${wrong.factor.toFixed(2)}; ${usual}`;
      onFault({ kind: 'feature-shape', video: id, split, message });
    }
    return { steps, channels };
  } catch (error) {
    if (!(error instanceof TalError)) throw error;
    const kind =
      error.cause instanceof NotFiniteError
        ? 'not-finite'
        : error instanceof ShapeError
          ? 'feature-shape'
          : 'file';
    onFault({ kind, video: id, split, message: `${id}: ${error.message}` });
    return undefined;
  }
}

const short = (seconds: number): string => String(Number(seconds.toPrecision(4)));
