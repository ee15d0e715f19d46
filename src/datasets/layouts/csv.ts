import { type CsvRow, readCsv } from '../../data/formats/csv.js';
import { type OnRefused, readEach } from '../../data/formats/json-record.js';
import { FileFormatError } from '../../errors.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Caption } from '../video-dataset.js';
import type { Layout, LayoutFile, LayoutQuery, LayoutVideo } from './layout.js';

const ALL_SPLITS = 'annotations.csv';
const FILE = /^(train|val|validation|test)\.csv$/;
const COLUMNS = ['video', 'start', 'end', 'label', 'query', 'caption', 'id', 'split', 'duration', 'fps'];
/** What a row can say of its span. */
const TEXTS = ['label', 'query', 'caption'] as const;

/**
 * A table: `video`, `start` and `end` in seconds, and `label`, `query` or `caption`, one or more of them. A label without
 * times is one of the whole video, and a line with a video alone says that there is nothing in it. `id` is that of the
 * query; `split`, `duration` in seconds and `fps` are those of the video, given in any of its lines.
 */
export const csv: Layout = {
  name: 'csv',
  title: 'a table: video,start,end,label or query',
  async looksLike({ names }: DatasetFolder) {
    if (names.includes(ALL_SPLITS)) return { annotations: { layout: 'csv', files: ALL_SPLITS } };
    const files = Object.fromEntries(
      names.flatMap((name) => {
        const split = FILE.exec(name)?.[1];
        return split === undefined ? [] : [[split, name]];
      }),
    );
    return Object.keys(files).length > 0 ? { annotations: { layout: 'csv', files } } : undefined;
  },
  read,
};

/** A video of which not all lines have been read. */
class OpenVideo {
  readonly segments: LabelledSegment[] = [];
  readonly queries: LayoutQuery[] = [];
  readonly captions: Caption[] = [];
  readonly labels: string[] = [];
  private readonly once = new Map<string, string | number>();

  constructor(
    readonly id: string,
    private readonly where: string,
  ) {}

  add(row: CsvRow): void {
    for (const name of ['split', 'duration', 'fps']) {
      if (row.absent(name)) continue;
      const value = name === 'split' ? row.text(name) : row.positive(name);
      const earlier = this.once.get(name);
      if (earlier !== undefined && earlier !== value)
        throw row.error(`${name} of ${this.id} is ${value}, before it was ${earlier}`);
      this.once.set(name, value);
    }
    const texts = TEXTS.filter((name) => !row.absent(name));
    if (row.absent('start') && row.absent('end')) {
      for (const name of texts) {
        if (name !== 'label') throw row.error(`${name} has neither start nor end`);
        this.labels.push(row.text(name));
      }
      return;
    }
    const segment: Segment = [row.number('start'), row.number('end')];
    if (segment[0] > segment[1]) throw row.error(`start is ${segment[0]}, after end, which is ${segment[1]}`);
    if (texts.length === 0) throw row.error(`none of ${TEXTS.join(', ')} says what is from start to end`);
    if (!row.absent('label')) this.segments.push({ label: row.text('label'), segment });
    if (!row.absent('caption')) this.captions.push({ text: row.text('caption'), segment });
    if (!row.absent('query')) {
      const id = row.absent('id') ? `${this.id}/${this.queries.length}` : row.text('id');
      this.queries.push({ id, text: row.text('query'), windows: [segment] });
    }
  }

  /** What the columns of the table can say is there, if only as an empty list. */
  finish(columns: readonly string[]): LayoutVideo {
    const [split, duration, frameRate] = ['split', 'duration', 'fps'].map((name) => this.once.get(name));
    const { segments, queries, captions, labels } = this;
    return {
      id: this.id,
      where: this.where,
      ...(split !== undefined && { split: String(split) }),
      ...(duration !== undefined && { duration: Number(duration) }),
      ...(frameRate !== undefined && { frameRate: Number(frameRate) }),
      annotations: {
        ...(columns.includes('label') && { segments }),
        ...(columns.includes('query') && { queries }),
        ...(columns.includes('caption') && { captions }),
        ...(labels.length > 0 && { labels: [...new Set(labels)] }),
      },
    };
  }
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const { columns, rows } = await readCsv(path);
  const strange = columns.find((name) => !COLUMNS.includes(name));
  const needed = ['video', 'start', 'end'].find((name) => !columns.includes(name));
  if (strange !== undefined || needed !== undefined || !TEXTS.some((name) => columns.includes(name))) {
    throw new FileFormatError(
      `${path}, line 1: the columns are ${columns.join(', ')}: expected video, start, end, one of ${TEXTS.join(', ')}, ` +
        'and perhaps id, split, duration, fps',
    );
  }
  const videos = new Map<string, OpenVideo>();
  const add = (row: CsvRow): void => {
    const id = row.text('video');
    const video = videos.get(id) ?? new OpenVideo(id, row.where);
    video.add(row);
    videos.set(id, video);
  };
  readEach(rows, add, onRefused);
  return { videos: [...videos.values()].map((video) => video.finish(columns)) };
}
