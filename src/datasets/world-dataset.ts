import type { FrameShape } from '../data/video/frame.js';
import { frameCount } from '../data/video/frame.js';
import type { Video } from '../data/video/video.js';
import { actionNames } from '../data/world/actions.js';
import { type WorldSplit, worldSeed, worldVideo } from '../data/world/world.js';
import { OptionError, ReleasedError } from '../errors.js';
import type { Annotations, VideoDataset, VideoItem } from './video-dataset.js';

/** Videos of each split; there are as many as one likes, but what is in them has to be written first. */
const sizes: Readonly<Record<WorldSplit, number>> = { train: 6000, validation: 100, test: 100 };

/** Queries of each video at most. */
const queriesEach = 6;

/**
 * The built-in world as a data set: videos of a figure that does one action after another, rendered when they are looked
 * at, with their actions and with sentences about them.
 */
export function worldDataset(): VideoDataset {
  let closed = false;
  const items = new Map<string, readonly VideoItem[]>();
  return {
    name: 'world',
    classes: actionNames,
    splits: Object.keys(sizes),
    items(split) {
      const size = Object.hasOwn(sizes, split) ? sizes[split as WorldSplit] : undefined;
      if (size === undefined) {
        throw new OptionError(
          `VideoDataset.items: world has no split ${JSON.stringify(split)} (it has ${Object.keys(sizes).join(', ')})`,
        );
      }
      const made =
        items.get(split) ??
        Array.from({ length: size }, (_, index) =>
          worldItem(split as WorldSplit, index, () => {
            if (closed) throw new ReleasedError('The data set world is closed');
          }),
        );
      items.set(split, made);
      return made;
    },
    async close() {
      closed = true;
    },
  };
}

function worldItem(split: WorldSplit, index: number, check: () => void): VideoItem {
  const made = () => worldVideo(worldSeed(split, index), { queries: queriesEach });
  const { duration, actions, queries } = made();
  const id = `${split}-${String(index).padStart(5, '0')}`;
  const annotations: Annotations = {
    segments: actions.map(({ name, start, end }) => ({ label: name, segment: [start, end] })),
    queries: queries.map(({ query, kind, span }, i) => ({
      id: index * queriesEach + i,
      text: query,
      excerpt: [0, duration],
      windows: [span],
      kind,
    })),
  };
  return {
    id,
    duration,
    annotations,
    video: async () => {
      check();
      return renderedVideo(made());
    },
  };
}

/** Of pictures that are not resized, in pixels and per second. */
const whole: FrameShape = { height: 256, width: 256, channels: 3 };
const wholeRate = 25;

/** A video that is rendered as it is looked at. */
function renderedVideo({ duration, frame }: ReturnType<typeof worldVideo>): Video {
  const times = (rate: number) => Array.from({ length: frameCount(duration, rate) }, (_, i) => i / rate);
  return {
    duration,
    width: whole.width,
    height: whole.height,
    async *frames(shape, rate = wholeRate) {
      for (const seconds of times(rate)) yield { seconds, pixels: frame(seconds, shape) };
    },
    frameTimes: async () => times(wholeRate),
    async *pictures(wanted) {
      const shown = times(wholeRate);
      for (const time of wanted) {
        const seconds = shown[Math.min(Math.max(0, Math.floor(time * wholeRate)), shown.length - 1)]!;
        yield { seconds, width: whole.width, height: whole.height, pixels: withAlpha(frame(seconds, whole)) };
      }
    },
    close: async () => {},
  };
}

function withAlpha(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let i = 0; i * 3 < rgb.length; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}
