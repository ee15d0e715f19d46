import { HostRandom } from '../../src/data/host-random.js';
import { WordVectors } from '../../src/data/text/words.js';
import type { VideoDataset, VideoItem, VideoQuery } from '../../src/datasets/video-dataset.js';
import { cgDetrConfigs } from '../../src/models/grounding/cg-detr/config.js';
import type { GroundingConfig } from '../../src/models/grounding/config.js';

/** Videos whose features show what their queries ask for, and a small CG-DETR for them. */
export const names = ['walking', 'sitting', 'jumping'];
const random = new HostRandom(7);
const noise = (count: number, scale: number) =>
  Float32Array.from({ length: count }, () => scale * random.normal());
export const table = new WordVectors(names, noise(names.length * 8, 1));
export const channels = 6;

/** A video of `clips` seconds that shows `windows` of each action. */
export function videoOf(
  id: string,
  clips: number,
  shown: Readonly<Record<string, readonly [number, number][]>>,
): VideoItem {
  const data = noise(clips * channels, 0.1);
  for (const [name, windows] of Object.entries(shown)) {
    for (const [start, end] of windows) {
      for (let t = start; t < end; t++) data[t * channels + names.indexOf(name)]! += 2;
    }
  }
  return {
    id,
    duration: clips,
    annotations: {
      queries: Object.entries(shown).map(([text, windows]): VideoQuery => {
        const clip = (_: unknown, t: number): [number, number] => [t, t + 1];
        const inside = (t: number) => windows.some(([start, end]) => start <= t && t < end);
        return {
          ...{ id: `${id} ${text}`, text, kind: '', excerpt: [0, clips], windows },
          saliency: {
            clips: Array.from({ length: clips }, clip),
            scores: [Array.from({ length: clips }, (_, t) => (inside(t) ? 4 : 0))],
          },
          features: async () => ({
            ...{ steps: 1, channels: 8 },
            data: table.embed(text).vectors,
          }),
        };
      }),
    },
    features: async () => ({ steps: clips, channels, data, stride: 1, window: 1 }),
  };
}

function videos(prefix: string, count: number): VideoItem[] {
  return Array.from({ length: count }, (_, i) => {
    const clips = random.integer(10, 16);
    const [first, second] = random.permutation(names.length);
    const start = random.integer(0, 4);
    const middle = start + random.integer(2, 4);
    return videoOf(`${prefix}${i}`, clips, {
      [names[first!]!]: [[start, middle]],
      [names[second!]!]: [[middle, Math.min(clips, middle + random.integer(2, 5))]],
    });
  });
}

export const splits: Readonly<Record<string, readonly VideoItem[]>> = {
  train: videos('train', 48),
  validation: videos('validation', 16),
};
export const data: VideoDataset = {
  ...{ name: 'planted', classes: [], splits: Object.keys(splits) },
  items: (split) => splits[split]!,
  close: async () => {},
};

export const model: GroundingConfig = {
  clips: { kind: 'features', channels },
  longest: 16,
  text: { kind: 'words', channels: 8, longest: 2 },
  network: {
    ...cgDetrConfigs['cg-detr'],
    ...{ width: 16, heads: 2, intermediate: 32, dropout: 0, inputDropout: 0, encoderLayers: 1 },
    interaction: { ...cgDetrConfigs['cg-detr'].interaction, dummies: 3, prompts: 4 },
    decoder: { kind: 'spans', layers: 2, queries: 4 },
  },
};
