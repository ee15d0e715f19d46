import {
  checkArguments,
  checkFields,
  integer,
  number,
  oneOf,
  optional,
  type Rule,
  type Rules,
  uint32,
} from '../../arguments.js';
import { HostRandom } from '../host-random.js';
import { checkRate, type FrameShape, frameCount } from '../video/frame.js';
import { limbsOf, placeAt, poseAt } from './figure.js';
import { Renderer } from './render.js';
import { chooseScene } from './scene.js';
import { type ScriptedAction, type ScriptOptions, secondsRule, writeScript } from './script.js';
import { type WorldQuery, writeQueries } from './sentences.js';

/** Parts of the world that share no video. */
const splits = ['train', 'validation', 'test'] as const;
export type WorldSplit = (typeof splits)[number];
export const worldSplitRule: Rule<WorldSplit> = oneOf(...splits);

/** Seeds of a split: more than anyone renders. */
export const SPLIT_SIZE = 2 ** 30;

export interface WorldOptions extends ScriptOptions {
  /** Queries a video has at most; default 6. */
  readonly queries?: number;
}

const worldRules: Rules<WorldOptions> = { seconds: optional(secondsRule), queries: optional(integer(1)) };

/** A short video of a figure that acts, with sentences about it, all decided by one seed. */
export interface WorldVideo {
  /** Seconds. */
  readonly duration: number;
  readonly actions: readonly ScriptedAction[];
  readonly queries: readonly WorldQuery[];
  /**
   * What is to be seen at a time in seconds: `height` x `width` x `channels` bytes.
   * @throws OptionError where a frame cannot have that shape
   */
  frame(seconds: number, shape: FrameShape): Uint8Array;
  /** All frames at a rate, at 0, 1 / rate, … seconds: `frameCount(duration, rate)` x height x width x channels. */
  frames(rate: number, shape: FrameShape): Uint8Array;
}

/**
 * The seed of a split's video.
 * @param index from 0 to 2^30 - 1
 * @throws OptionError where there is no such video
 */
export function worldSeed(split: WorldSplit, index: number): number {
  checkArguments('worldSeed', { split, index }, { split: worldSplitRule, index: integer(0, SPLIT_SIZE - 1) });
  return splits.indexOf(split) * SPLIT_SIZE + index;
}

/**
 * The video of a seed, always the same.
 * @param seed an integer from 0 to 2^32 - 1; `worldSeed` gives those of a split
 * @throws OptionError where the seed is none, or the durations are out of range
 */
export function worldVideo(seed: number, options: WorldOptions = {}): WorldVideo {
  checkArguments('worldVideo', { seed }, { seed: uint32 });
  checkFields('worldVideo', options, worldRules);
  const { queries: queryCount = 6, ...scripted } = options;
  const scene = chooseScene(new HostRandom(seed, 0));
  const script = writeScript(new HostRandom(seed, 1), scene.build.size, scripted);
  const { duration, actions } = script;
  const renderers = new Map<string, Renderer>();
  const rendererOf = (shape: FrameShape): Renderer => {
    const key = `${shape.width} ${shape.height} ${shape.channels}`;
    const renderer = renderers.get(key) ?? new Renderer(scene, shape);
    renderers.set(key, renderer);
    return renderer;
  };
  const frame = (seconds: number, shape: FrameShape): Uint8Array => {
    checkArguments('frame', { seconds }, { seconds: number });
    const within = Math.min(duration, Math.max(0, seconds));
    const { x, facing } = placeAt(script, within);
    return rendererOf(shape).draw(limbsOf(poseAt(script, within), x, facing, scene.build), within);
  };
  return {
    duration,
    actions,
    queries: writeQueries(actions, queryCount, new HostRandom(seed, 2)),
    frame,
    frames(rate, shape) {
      checkRate(rate);
      const size = shape.width * shape.height * shape.channels;
      const all = new Uint8Array(frameCount(duration, rate) * size);
      for (let i = 0; i * size < all.length; i++) all.set(frame(i / rate, shape), i * size);
      return all;
    },
  };
}
