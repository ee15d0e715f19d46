import {
  type JsonRecord,
  type OnRefused,
  readEach,
  readJsonObjects,
} from '../../data/formats/json-record.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutQuery } from './layout.js';
import { splitFiles } from './split-files.js';

const FILE = /^(train|val|test)_data\.json$/;
/** Length of the chunks that annotators chose from, in seconds. */
const CHUNK_SECONDS = 5;

/**
 * DiDeMo as MCN distributes it: descriptions with the chunks of 5 s that each of at least four annotators chose. The
 * windows of a query are these, each once, those that most annotators chose first. A video is as long as its chunks.
 */
export const didemo: Layout = {
  name: 'didemo',
  title: 'DiDeMo as MCN has it',
  async looksLike(folder: DatasetFolder) {
    const files = await splitFiles(folder, FILE, isDidemo);
    return files && { annotations: { layout: 'didemo', files } };
  },
  read,
};

function isDidemo(content: unknown): boolean {
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return (
    isObject(first) && ['annotation_id', 'times', 'description'].every((name) => Object.hasOwn(first, name))
  );
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const videos = new Map<string, { where: string; duration: number; queries: LayoutQuery[] }>();
  const add = (record: JsonRecord): void => {
    const id = record.text('video');
    const chunks = record.integer('num_segments', 1);
    const query = {
      id: record.queryId('annotation_id'),
      text: record.text('description').trim(),
      windows: windowsOf(record, chunks),
    };
    const duration = chunks * CHUNK_SECONDS;
    const video = videos.get(id) ?? { where: record.where, duration, queries: [] };
    if (video.duration !== duration)
      throw new FileFormatError(
        `${record.where}: num_segments is ${chunks}, of another length in ${video.where}`,
      );
    videos.set(id, video);
    video.queries.push(query);
  };
  readEach(await readJsonObjects(path), add, onRefused);
  return {
    videos: [...videos].map(([id, { where, duration, queries }]) => ({
      id,
      where,
      duration,
      annotations: { queries },
    })),
  };
}

/** From chunk to chunk, both counted from 0 and both in the window. */
function windowsOf(record: JsonRecord, chunks: number): Segment[] {
  const votes = new Map<string, { readonly window: Segment; count: number }>();
  for (const [i, [first, last]] of record.rows('times', 2).entries()) {
    const whole = [first, last].every((chunk) => Number.isInteger(chunk) && chunk! >= 0 && chunk! < chunks);
    if (!whole || first! > last!)
      throw record.error(`times[${i}] is [${first}, ${last}], not chunks from 0 to ${chunks - 1} in order`);
    const window = [first! * CHUNK_SECONDS, (last! + 1) * CHUNK_SECONDS] as const;
    const vote = votes.get(window.join()) ?? { window, count: 0 };
    votes.set(window.join(), vote);
    vote.count++;
  }
  return [...votes.values()].sort((a, b) => b.count - a.count).map(({ window }) => window);
}
