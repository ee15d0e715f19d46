import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';

/** A chunk of a track's own time that is presented, all in seconds. */
export interface Edit {
  /** When its presentation begins. */
  readonly shownAt: number;
  /** How long it is presented; infinite where the file leaves that to the length of the track. */
  readonly duration: number;
  /** Where in the track's own time it begins. */
  readonly start: number;
  /** The picture at `start` is presented all the time (media rate 0). */
  readonly still: boolean;
}

/** The edit list of a track of an MP4 or QuickTime file. */
export interface EditList {
  /** In the order of presentation; times between them present nothing new. */
  readonly edits: readonly Edit[];
  /** When the presentation of the track ends, in seconds; infinite as in `Edit`. */
  readonly end: number;
  /** What mediabunny, which knows one edit only, takes off the track's own times, in seconds. */
  readonly shift: number;
}

/** Boxes that an MP4 or QuickTime file can begin with. */
const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'sidx'];

/**
 * The edit lists of an MP4 or QuickTime file by the id of the track, without those of tracks that have none
 * (ISO/IEC 14496-12, 8.6.6). Empty for files of other formats.
 * @throws FileFormatError where the file ends within a box, or describes no tracks
 */
export async function readEditLists(source: ByteSource): Promise<Map<number, EditList>> {
  const lists = new Map<number, EditList>();
  let movie: Box | undefined;
  for (let at = 0; at + 8 <= source.size; ) {
    const header = new DataView((await source.read(at, Math.min(16, source.size - at))).buffer);
    const { type, size, headerSize } = boxAt(header, 0, source.size - at);
    if (at === 0 && !FIRST_BOXES.includes(type)) return lists;
    // What follows the last box may be padding.
    if (size < headerSize || !/^[\x20-\x7e]{4}$/.test(type)) break;
    if (at + size > source.size) {
      throw new FileFormatError(
        `${source.name} is cut short: its ${type} box ends at byte ${at + size}, the file at byte ${source.size}`,
      );
    }
    if (type === 'moov' && !movie) {
      const view = new DataView((await source.read(at, size)).buffer);
      movie = { view, type, start: headerSize, end: size };
    }
    at += size;
  }
  if (!movie) {
    throw new FileFormatError(
      `${source.name} is not a whole MP4 file: it has no moov box, which describes the tracks`,
    );
  }
  const scale = timescale(child(movie, 'mvhd'));
  for (const track of children(movie).filter(({ type }) => type === 'trak')) {
    const header = child(track, 'tkhd');
    const list = child(child(track, 'edts'), 'elst');
    const media = timescale(child(child(track, 'mdia'), 'mdhd'));
    if (!header || !list || !media || !scale) continue;
    const id = header.view.getUint32(header.start + (version(header) === 1 ? 20 : 12));
    const found = readEdits(list, scale, media);
    if (found) lists.set(id, found);
  }
  return lists;
}

function readEdits(list: Box, movieScale: number, mediaScale: number): EditList | undefined {
  const { view, start } = list;
  const wide = version(list) === 1;
  const count = view.getUint32(start + 4);
  const edits: Edit[] = [];
  let shift: number | undefined;
  let end = 0;
  for (let i = 0, at = start + 8; i < count && end < Infinity; i++, at += wide ? 20 : 12) {
    const ticks = wide ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const from = wide ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    const rate = view.getUint32(at + (wide ? 16 : 8)) / 2 ** 16;
    if (from >= 0) {
      shift ??= rate === 1 ? from / mediaScale - Math.round(end * mediaScale) / mediaScale : 0;
      // A fragmented file cannot know its length when it begins, and says 0.
      const duration = ticks === 0 && i === count - 1 ? Infinity : ticks / movieScale;
      edits.push({ shownAt: end, duration, start: from / mediaScale, still: rate === 0 });
      end += duration;
    } else end += ticks / movieScale;
  }
  return edits.length > 0 ? { edits, end, shift: shift! } : undefined;
}

/** A box and where its content lies in `view`. */
interface Box {
  readonly view: DataView;
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** @param space bytes from `at` to the end of what holds the box */
function boxAt(view: DataView, at: number, space: number) {
  const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
  const size = view.getUint32(at);
  if (size === 1 && at + 16 <= view.byteLength) {
    return { type, size: Number(view.getBigUint64(at + 8)), headerSize: 16 };
  }
  return { type, size: size === 0 ? space : size, headerSize: 8 };
}

function children({ view, start, end }: Box): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at + 8 <= end; ) {
    const { type, size, headerSize } = boxAt(view, at, end - at);
    if (size < headerSize || at + size > end) break;
    boxes.push({ view, type, start: at + headerSize, end: at + size });
    at += size;
  }
  return boxes;
}

const child = (box: Box | undefined, type: string): Box | undefined =>
  box && children(box).find((one) => one.type === type);

const version = ({ view, start }: Box): number => view.getUint8(start);

/** Ticks a second of a `mvhd` or `mdhd` box. */
function timescale(box: Box | undefined): number {
  return box ? box.view.getUint32(box.start + (version(box) === 1 ? 20 : 12)) : 0;
}
