import { join } from 'node:path';
import { writeWhole } from '../../data/files/output-file.js';
import { frameCount } from '../../data/video/frame.js';
import { encodeMp4 } from '../../data/video/video-encode.js';
import { videoLibrary } from '../../data/video/video-library.js';
import { SPLIT_SIZE, type WorldVideo, worldSeed, worldVideo } from '../../data/world/world.js';
import { OptionError } from '../../errors.js';
import { checkOutputFolder } from '../shared/outputs.js';

export interface SampleOptions {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
}

const shape = { width: 128, height: 96, channels: 3 } as const;
/** Frames a second. */
const RATE = 12;

/** `tal sample`: videos of the built-in world's test split as MP4 files, and queries about them as JSON lines. */
export async function sample({ out, count, seed }: SampleOptions): Promise<void> {
  // What is missing is found out before the work, not after it.
  const last = seed + count - 1;
  if (last >= SPLIT_SIZE) {
    throw new OptionError(`--seed and --count must name videos up to ${SPLIT_SIZE - 1}, not up to ${last}`);
  }
  await videoLibrary();
  const names = Array.from({ length: count }, (_, i) => `video-${String(seed + i).padStart(4, '0')}`);
  await checkOutputFolder(out, ['queries.jsonl', ...names.map((vid) => `${vid}.mp4`)]);
  const annotations = join(out, 'queries.jsonl');

  const lines: string[] = [];
  for (const [i, vid] of names.entries()) {
    const video = worldVideo(worldSeed('test', seed + i));
    await writeWorldVideo(join(out, `${vid}.mp4`), video);
    for (const { query, kind, span } of video.queries) {
      const { duration } = video;
      lines.push(JSON.stringify({ qid: lines.length, vid, duration, query, kind, relevant_windows: [span] }));
    }
    console.log(`${vid}.mp4  ${video.duration} s: ${video.actions.map(({ name }) => name).join(', ')}`);
  }
  await writeWhole(annotations, `${lines.join('\n')}\n`);
  console.log(`${lines.length} queries in ${annotations}`);
}

/** Encodes a video of the world to a file. @returns its bytes */
export async function writeWorldVideo(path: string, video: WorldVideo): Promise<number> {
  const file = await encodeMp4(frames(video), { ...shape, rate: RATE });
  await writeWhole(path, file);
  return file.length;
}

function* frames(video: WorldVideo): Generator<Uint8Array> {
  for (let i = 0; i < frameCount(video.duration, RATE); i++) yield video.frame(i / RATE, shape);
}
