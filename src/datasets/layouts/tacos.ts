import { type JsonRecord, type OnRefused, readEach, readJsonRecord } from '../../data/formats/json-record.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutVideo } from './layout.js';
import { splitFiles } from './split-files.js';

const FILE = /^(train|val|test)\.json$/;

/** TACoS as 2D-TAN distributes it: sentences with a window each, in frames. */
export const tacos: Layout = {
  name: 'tacos',
  title: 'TACoS as 2D-TAN has it',
  async looksLike(folder: DatasetFolder) {
    const files = await splitFiles(folder, FILE, isTacos);
    return files && { annotations: { layout: 'tacos', files } };
  },
  read,
};

function isTacos(content: unknown): boolean {
  const first = Object.values(Object(content))[0];
  return isObject(first) && ['num_frames', 'fps', 'timestamps'].every((name) => Object.hasOwn(first, name));
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const file = await readJsonRecord(path);
  return { videos: readEach(file.names, (name) => videoOf(name, file.record(name)), onRefused) };
}

function videoOf(id: string, record: JsonRecord): LayoutVideo {
  const frameRate = record.positive('fps');
  const frames = record.rows('timestamps', 2);
  const sentences = record.texts('sentences');
  if (frames.length !== sentences.length)
    throw record.error(`${frames.length} timestamps have ${sentences.length} sentences`);
  const queries = frames.map(([start, end], i) => {
    if (sentences[i]!.trim() === '') throw record.error(`sentences[${i}] is empty`);
    return {
      id: `${id}/${i}`,
      text: sentences[i]!.trim(),
      windows: [[start! / frameRate, end! / frameRate] as const],
    };
  });
  return {
    id,
    where: record.where,
    duration: record.positive('num_frames') / frameRate,
    frameRate,
    annotations: { queries },
  };
}
