import { type JsonRecord, type OnRefused, readEach, readJsonRecord } from '../../data/formats/json-record.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Caption } from '../video-dataset.js';
import { parseQueryId } from './elan.js';
import { joinWindows, type QueryWindow } from './join-windows.js';
import type { Layout, LayoutFile, LayoutVideo } from './layout.js';

/** Attributes of these names hold what they say; all others labels: of a segment, or, without times, of the whole video. */
export const VIA_TEXTS = { caption: 'caption', query: 'query', id: 'query id', kind: 'query kind' } as const;

/**
 * Projects of the VGG Image Annotator, version 3. The attributes `caption` and `query` hold sentences, all others the label
 * of a segment, or of the whole video where they are of a file. What is said of regions of pictures is passed over.
 */
export const via: Layout = {
  name: 'via',
  title: 'projects of VIA 3 (VGG Image Annotator)',
  async looksLike({ names, json }: DatasetFolder) {
    const projects: string[] = [];
    for (const name of names.filter((name) => name.endsWith('.json'))) {
      const content = await json(name);
      const fields = ['project', 'attribute', 'file', 'view', 'metadata'];
      if (isObject(content) && fields.every((field) => Object.hasOwn(content, field))) projects.push(name);
    }
    const [file, ...others] = projects;
    return file === undefined || others.length > 0
      ? undefined
      : { annotations: { layout: 'via', files: file } };
  },
  read,
};

interface Attribute {
  readonly name: string;
  /** What its value stands for, where it is one of several. */
  readonly options: ReadonlyMap<string, string>;
  /** Whether it is of whole files. */
  readonly ofFile: boolean;
}

/** Where attributes stand that are of whole files. */
const OF_FILE = 'FILE1_Z0_XY0';

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const project = await readJsonRecord(path);
  const attributes = attributesOf(project.record('attribute'));
  const [files, views, metadata] = ['file', 'view', 'metadata'].map((name) => project.record(name));
  const byView = new Map<string, JsonRecord[]>();
  readEach(
    metadata!.names,
    (name) => {
      const one = metadata!.record(name);
      const view = one.text('vid');
      if (!views!.has(view)) throw one.error(`vid is ${JSON.stringify(view)}, which is no view`);
      byView.set(view, [...(byView.get(view) ?? []), one]);
    },
    onRefused,
  );
  const videos = readEach(
    views!.names,
    (name) => {
      const view = views!.record(name);
      const [fid, ...more] = view.list('fid_list');
      if (more.length > 0 || !files!.has(String(fid)))
        throw view.error(`fid_list is ${JSON.stringify(view.list('fid_list'))}, not the id of one file`);
      return videoOf(files!.record(String(fid)), byView.get(name) ?? [], attributes, onRefused);
    },
    onRefused,
  );
  return { videos };
}

function attributesOf(record: JsonRecord): ReadonlyMap<string, Attribute> {
  return new Map(
    record.names.map((id) => {
      const one = record.record(id);
      const options = one.absent('options') ? undefined : one.record('options');
      return [
        id,
        {
          name: one.text('aname'),
          ofFile: !one.absent('anchor_id') && one.string('anchor_id') === OF_FILE,
          options: new Map(options?.names.map((option) => [option, options.string(option)])),
        },
      ];
    }),
  );
}

function videoOf(
  file: JsonRecord,
  metadata: readonly JsonRecord[],
  attributes: ReadonlyMap<string, Attribute>,
  onRefused: OnRefused | undefined,
): LayoutVideo {
  const id = file
    .text('fname')
    .replace(/^.*[\\/]/, '')
    .replace(/\.[^.]+$/, '');
  const segments: LabelledSegment[] = [];
  const captions: Caption[] = [];
  const queries: QueryWindow[] = [];
  const labels = new Set<string>();
  const add = (one: JsonRecord): void => {
    if (one.list('xy').length > 0) return;
    const times = one.numbers('z');
    if (times.length !== 0 && times.length !== 2)
      throw one.error(`z has ${times.length} times, not a start and an end`);
    const [start, end] = times;
    if (start! > end!) throw one.error(`z starts at ${start}, after its end at ${end}`);
    const segment: Segment | undefined = times.length === 0 ? undefined : [start!, end!];
    const values = valuesOf(one.record('av'), attributes);
    const [text] = values.get(VIA_TEXTS.query) ?? [];
    for (const [name, all] of values) {
      if (name === VIA_TEXTS.id || name === VIA_TEXTS.kind || name === VIA_TEXTS.query) continue;
      for (const value of all) {
        if (name === VIA_TEXTS.caption && segment) captions.push({ text: value, segment });
        else if (segment) segments.push({ label: value, segment });
        else labels.add(value);
      }
    }
    if (text === undefined) return;
    if (!segment) throw one.error(`the ${VIA_TEXTS.query} has no times`);
    const [queryId, kind] = [values.get(VIA_TEXTS.id)?.[0], values.get(VIA_TEXTS.kind)?.[0]];
    queries.push({
      text,
      window: segment,
      where: one.where,
      ...(queryId !== undefined && { id: parseQueryId(queryId) }),
      ...(kind !== undefined && { kind }),
    });
  };
  readEach(metadata, add, onRefused);
  const names = [...attributes.values()];
  const special = Object.values(VIA_TEXTS) as readonly string[];
  const has = (name: string) => names.some((attribute) => attribute.name === name);
  return {
    id,
    where: file.where,
    ...(!file.absent('duration') && { duration: file.positive('duration') }),
    annotations: {
      ...(names.some(({ name, ofFile }) => !ofFile && !special.includes(name)) && { segments }),
      ...(has(VIA_TEXTS.caption) && { captions }),
      ...(has(VIA_TEXTS.query) && { queries: joinWindows(id, queries) }),
      ...((labels.size > 0 || names.some(({ ofFile }) => ofFile)) && { labels: [...labels] }),
    },
  };
}

/** Texts by the name of their attribute; a value of several options, parted by commas, is several. */
function valuesOf(
  record: JsonRecord,
  attributes: ReadonlyMap<string, Attribute>,
): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const id of record.names) {
    const attribute = attributes.get(id);
    if (!attribute) throw record.error(`${id} is no attribute`);
    const value = record.string(id);
    if (value.trim() === '') continue;
    const { options, name } = attribute;
    const chosen = options.has(value) || options.size === 0 ? [value] : value.split(',');
    values.set(
      name,
      chosen.map((one) => options.get(one) ?? one).filter((one) => one.trim() !== ''),
    );
  }
  return values;
}
