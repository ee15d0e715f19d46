import { momentQueries } from '../../data/annotations/moment-queries.js';
import { fileAccessError } from '../../data/files/byte-source.js';
import type { OnRefused } from '../../data/formats/json-record.js';
import { indexRecordings } from '../../data/formats/recordings.js';
import { nodeModule } from '../../node-module.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutQuery } from './layout.js';

const SIGNALS = '_i16.bin';
const QUERIES = /^queries-.+\.jsonl$/;

/** Recordings of sensors with labelled segments (`openRecordings`), and queries over excerpts of them (`queries-*.jsonl`). */
export const hapt: Layout = {
  name: 'hapt',
  title: 'recordings of sensors, as `tal import hapt` writes them',
  async looksLike({ names }: DatasetFolder) {
    const [signals, ...others] = names.filter((name) => name.endsWith(SIGNALS));
    if (signals === undefined || others.length > 0) return undefined;
    const file = `${signals.slice(0, -SIGNALS.length)}.json`;
    return names.includes(file) ? { annotations: { layout: 'hapt', files: file } } : undefined;
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const { dirname, join } = await nodeModule('node:path');
  const { readdir } = await nodeModule('node:fs/promises');
  const folder = dirname(path);
  const names = await readdir(folder).catch((cause) => {
    throw fileAccessError(folder, cause);
  });
  const { rate, channels, classes, byName, readSignals } = await indexRecordings(folder);
  const queries = new Map<string, LayoutQuery[]>();
  for (const name of names.filter((name) => QUERIES.test(name)).sort()) {
    for (const { qid, vid, excerpt, query, kind, windows } of await momentQueries(
      join(folder, name),
      byName,
      onRefused,
    )) {
      const held = queries.get(vid) ?? queries.set(vid, []).get(vid)!;
      held.push({ id: qid, text: query, excerpt, windows, kind });
    }
  }
  // All recordings are in one file: it is read once, when the first signal is asked for.
  let signals: ReturnType<typeof readSignals> | undefined;
  const signalOf = async (name: string) => {
    signals ??= readSignals();
    const reading = signals;
    reading.catch(() => {
      signals = undefined;
    });
    return (await reading).get(name)!;
  };
  const videos = [...byName.values()].map(({ name, split, duration, segments }) => ({
    id: name,
    where: `${path}: ${name}`,
    split,
    duration,
    annotations: { segments, ...(queries.has(name) && { queries: queries.get(name)! }) },
    signal: async () => ({ rate, channels, duration, read: await signalOf(name) }),
  }));
  return { videos, classes };
}
