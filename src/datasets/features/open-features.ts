import {
  checkArgument,
  objectWith,
  optional,
  path as pathRule,
  positive,
  type Rule,
  rule,
  text,
} from '../../arguments.js';
import type { NumericArray } from '../../data/formats/array.js';
import {
  type Features,
  featuresOf,
  joinChannels,
  onlyFeatures,
  readNamed,
} from '../../data/formats/features.js';
import { JsonRecord } from '../../data/formats/json-record.js';
import { FileFormatError, OptionError, ShapeError } from '../../errors.js';
import { normalizeRows } from '../sampling/normalize-rows.js';
import type { ClipFeatures, StoredFeatures } from '../video-dataset.js';
import { clipTiming, type FeatureVideo } from './clip-timing.js';
import { idIn, idsOfFiles, idsOfPart, pathInside, withId } from './feature-files.js';
import { type FeaturePart, type FeatureSource, ID, readFeatureSource, readTiming } from './feature-source.js';
import { openObjectArray } from './object-array.js';
import { OpenFiles } from './open-files.js';

/** The features of the videos of a data set. Nothing is read before it is asked for, and nothing is kept after. */
export interface FeatureStore {
  /**
   * The features of a video: its parts, joined along the channels. Where the numbers of rows of the parts differ by one, the
   * longer are cut, as extractors round the length of a video differently (Moment-DETR and UMT cut by any number).
   * @throws FileAccessError, FileFormatError, ShapeError, DtypeError that name the file; ReleasedError after `close`
   */
  read(video: FeatureVideo): Promise<ClipFeatures>;
  /** Which videos each part of the source has features of. @throws FileAccessError, FileFormatError */
  stored(): Promise<readonly StoredFeatures[]>;
  /** Closes the files that it keeps open. */
  close(): Promise<void>;
}

/** Rows by which parts of the features of a video may differ. */
const ROUNDING = 1;

/** @throws OptionError in the place of FileFormatError */
function asOption<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof FileFormatError)) throw cause;
    throw new OptionError(cause.message, { cause });
  }
}

/**
 * Opens the features of a data set. No file is opened before it is needed, and few stay open: memory does not grow with
 * the number of videos.
 * @param folder where the paths of the source start
 * @throws OptionError where the source is not as `FeatureSource` says
 */
export function openFeatures(source: FeatureSource, folder: string): FeatureStore {
  checkArgument('openFeatures', 'folder', folder, pathRule);
  const { parts: stored, timing: clips } = asOption(() =>
    readFeatureSource(new JsonRecord(source, 'openFeatures: source')),
  );
  const parts = stored.map((part) => new StoredPart(part, folder));
  return {
    async read(video) {
      checkVideo(video);
      const timing = clipTiming(clips, video);
      const read = await Promise.all(parts.map((part) => part.read(video.id)));
      const steps = Math.min(...read.map((part) => part.steps));
      if (read.some((part) => part.steps > steps + ROUNDING)) {
        const lengths = read.map((part, i) => `${part.steps} in ${parts[i]!.describe(video.id)}`);
        throw new ShapeError(
          `The features of ${video.id} have different numbers of rows: ${lengths.join(', ')}`,
        );
      }
      const even = video.duration / steps;
      return { ...joinChannels(read, steps), ...(timing ?? { stride: even, window: even }) };
    },
    stored: () =>
      Promise.all(parts.map(async (part) => ({ name: part.describe(ID), ids: await part.ids() }))),
    close: async () => void (await Promise.all(parts.map((part) => part.close()))),
  };
}

const videoRule: Rule<FeatureVideo> = objectWith<FeatureVideo>({
  id: text,
  duration: positive,
  frameRate: optional(positive),
  timing: rule('times of clips', () => true),
});

function checkVideo(video: FeatureVideo): void {
  checkArgument('FeatureStore.read', 'video', video, videoRule);
  if (video.timing === undefined) return;
  asOption(() => readTiming(new JsonRecord(video.timing, 'FeatureStore.read: video.timing')));
}

/** One part of the features of all videos. */
class StoredPart {
  private readonly files: OpenFiles;
  constructor(
    private readonly part: FeaturePart,
    private readonly folder: string,
  ) {
    const { ids } = part;
    this.files = ids
      ? new OpenFiles(1, async (path) => openObjectArray(path, await idsOfPart(folder, ids)))
      : new OpenFiles();
  }

  close(): Promise<void> {
    return this.files.close();
  }

  /** How messages call the features of a video. */
  describe(id: string): string {
    const { file, array, ids } = this.part;
    const name = ids === undefined ? array && withId(array, id) : id;
    return `${withId(file, id)}${name === undefined ? '' : `#${name}`}`;
  }

  async read(id: string): Promise<Features> {
    const { file, ids, array = ids && ID, crop = 'mean', normalize } = this.part;
    const path = await pathInside(this.folder, withId(file, id));
    const stored = await this.files.use(path, async (opened): Promise<NumericArray> => {
      if (array !== undefined) return readNamed(path, opened, withId(array, id));
      return opened.read(await onlyFeatures(path, opened));
    });
    const name = array === undefined ? path : `${path}#${withId(array, id)}`;
    const features = featuresOf(stored, name, crop);
    return normalize === 'l2' ? normalizeRows(features) : features;
  }

  async ids(): Promise<readonly string[]> {
    const { file, array, ids } = this.part;
    if (ids !== undefined) return idsOfPart(this.folder, ids);
    if (file.includes(ID)) return idsOfFiles(this.folder, file);
    const path = await pathInside(this.folder, file);
    const names = await this.files.use(path, async (opened) => opened.names());
    return names.map((name) => idIn(array!, name)).filter((id) => id !== undefined);
  }
}
