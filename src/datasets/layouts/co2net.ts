import { readBytes } from '../../data/files/byte-source.js';
import { type OnRefused, readEach } from '../../data/formats/json-record.js';
import { readNpy } from '../../data/formats/npy.js';
import { readNpyValues } from '../../data/formats/npy-values.js';
import type { PythonValue } from '../../data/formats/python-value.js';
import { FileAccessError, FileFormatError } from '../../errors.js';
import type { LabelledSegment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutVideo } from './layout.js';

const NAMES = 'videoname.npy';
/** Frames that CO2-Net's I3D features of a row are computed from; rows do not overlap. */
const FRAMES = 16;

/**
 * THUMOS-14 as CO2-Net distributes it: `videoname.npy`, `subset.npy`, `segments.npy`, `labels.npy`, `labels_all.npy`,
 * `duration.npy` and `extracted_fps.npy`, an element a video, and `classlist.npy`; the names may have a beginning in common. Models are trained
 * on the subset `validation` of THUMOS-14, which is `train` here.
 */
export const co2net: Layout = {
  name: 'co2net',
  title: 'THUMOS-14 as CO2-Net has it (.npy)',
  splitNames: { validation: 'train', test: 'test' },
  async looksLike({ names }: DatasetFolder) {
    const [file, ...others] = names.filter((name) => name.endsWith(NAMES));
    if (file === undefined || others.length > 0) return undefined;
    const start = file.slice(0, -NAMES.length);
    if (!['segments', 'labels', 'subset'].every((name) => names.includes(`${start}${name}.npy`)))
      return undefined;
    const features = names.find((name) => /I3D.*features.*\.npy$/i.test(name));
    return {
      annotations: { layout: 'co2net', files: file },
      ...(features !== undefined && {
        features: { parts: [{ file: features, ids: file }], timing: { strideFrames: FRAMES } },
      }),
    };
  },
  read,
};

/** A column of the table that the files are: a value for each video. */
interface Column {
  readonly path: string;
  readonly values: readonly PythonValue[];
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const start = path.slice(0, -NAMES.length);
  const values = async (name: string): Promise<Column> => {
    const file = `${start}${name}.npy`;
    return { path: file, values: (await readNpyValues(file)).values };
  };
  const numbers = async (name: string): Promise<Column> => {
    const file = `${start}${name}.npy`;
    return { path: file, values: [...readNpy(await readBytes(file), file).data].map(Number) };
  };
  const ids = await values('videoname');
  const columns = {
    subset: await values('subset'),
    segments: await values('segments'),
    labels: await values('labels'),
    all: await values('labels_all'),
    duration: await numbers('duration'),
    fps: await numbers('extracted_fps'),
  };
  for (const { path: other, values } of Object.values(columns)) {
    if (values.length !== ids.values.length)
      throw new FileFormatError(
        `${other} has ${values.length} elements, ${path} has ${ids.values.length} videos`,
      );
  }
  const videos = readEach([...ids.values.keys()], (i) => videoOf(ids, columns, i), onRefused);
  const classes = await values('classlist').catch((error) => {
    if (error instanceof FileAccessError) return undefined;
    throw error;
  });
  if (!classes) return { videos };
  return { videos, classes: classes.values.map((name, i) => text(name, `${classes.path}: element ${i}`)) };
}

function videoOf(
  ids: Column,
  columns: Readonly<Record<'subset' | 'segments' | 'labels' | 'all' | 'duration' | 'fps', Column>>,
  i: number,
): LayoutVideo {
  const where = ({ path }: Column) => `${path}: element ${i}`;
  const segments = listAt(columns.segments, i);
  const labels = listAt(columns.labels, i);
  if (segments.length !== labels.length)
    throw new FileFormatError(
      `${where(columns.segments)}: ${segments.length} segments have ${labels.length} labels`,
    );
  return {
    id: text(ids.values[i], where(ids)),
    where: where(ids),
    split: text(columns.subset.values[i], where(columns.subset)),
    duration: positive(columns.duration, i),
    frameRate: positive(columns.fps, i),
    annotations: {
      segments: segments.map(
        (span, at): LabelledSegment => ({
          label: text(labels[at], `${where(columns.labels)}[${at}]`),
          segment: spanOf(span, `${where(columns.segments)}[${at}]`),
        }),
      ),
      labels: listAt(columns.all, i).map((label) => text(label, where(columns.all))),
    },
  };
}

/** Text of Python, or bytes, which NumPy's `|S` is. */
function text(value: PythonValue | undefined, where: string): string {
  const read = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  if (typeof read !== 'string' || read.trim() === '') throw new FileFormatError(`${where} is not text`);
  return read;
}

function positive({ path, values }: Column, i: number): number {
  const value = values[i];
  if (typeof value !== 'number' || !(Number.isFinite(value) && value > 0))
    throw new FileFormatError(`${path}: element ${i} is ${String(value)}, not a number above 0`);
  return value;
}

/** The list, or the array, that an element is. */
function listAt({ path, values }: Column, i: number): readonly PythonValue[] {
  const list = itemsOf(values[i]);
  if (!list) throw new FileFormatError(`${path}: element ${i} is no list`);
  return list;
}

function itemsOf(value: PythonValue | undefined): readonly PythonValue[] | undefined {
  if (Array.isArray(value)) return value as readonly PythonValue[];
  if (typeof value !== 'object' || value === null) return undefined;
  if ('values' in value && Array.isArray(value.values)) return value.values as readonly PythonValue[];
  return 'data' in value
    ? [...(value.data as ArrayLike<number | bigint> & Iterable<number | bigint>)]
    : undefined;
}

function spanOf(value: PythonValue, where: string): readonly [number, number] {
  const bounds = itemsOf(value)?.map(Number);
  const [start, end] = bounds ?? [];
  if (bounds?.length !== 2 || !Number.isFinite(start) || !Number.isFinite(end))
    throw new FileFormatError(`${where} is not two finite numbers`);
  return [start!, end!];
}
