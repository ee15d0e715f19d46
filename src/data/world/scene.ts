import type { HostRandom } from '../host-random.js';
import { LUMA } from '../video/frame.js';
import type { BodyPart, Build } from './figure.js';
import { ASPECT, LARGEST_PAN } from './picture.js';

export type Colour = readonly [red: number, green: number, blue: number];

/** Something flat on the wall, in heights of the picture. */
export interface Patch {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly colour: Colour;
}

/** A slow to and fro: `amount` times a sine. */
export interface Drift {
  readonly amount: number;
  /** Seconds. */
  readonly period: number;
  /** In periods. */
  readonly phase: number;
}

/** How a video looks, apart from what happens in it. Colours and noise are in 256ths of full brightness. */
export interface Scene {
  readonly build: Build;
  readonly colours: Readonly<Record<BodyPart, Colour>>;
  readonly wall: Colour;
  readonly floor: Colour;
  /** Where wall and floor meet, in heights of the picture from its top. */
  readonly horizon: number;
  readonly patches: readonly Patch[];
  /** How much the brightness varies over the wall and the floor. */
  readonly texture: number;
  /** What the texture and the noise are drawn from. */
  readonly grain: number;
  /** The camera's wandering, in heights of the picture. */
  readonly pan: Drift;
  readonly tilt: Drift;
  /** Of the brightness, as a factor around 1. */
  readonly light: Drift;
  /** Standard deviation of the noise of a pixel. */
  readonly noise: number;
}

export function chooseScene(random: HostRandom): Scene {
  const wall = random.uniform(80, 180);
  const contrast = random.uniform(65, 105);
  // Towards the side that has more space.
  const figure = wall > 130 ? wall - contrast : wall + contrast;
  const clothes = () => tinted(random, figure + random.uniform(-14, 14), 45);
  const ground = random.uniform(0.87, 0.94);
  return {
    build: { size: random.uniform(0.5, 0.66), thickness: random.uniform(0.85, 1.2), ground },
    colours: { skin: clothes(), top: clothes(), legs: clothes() },
    wall: tinted(random, wall, 20),
    floor: tinted(random, wall + random.uniform(12, 35) * random.choose([1, -1]), 20),
    horizon: ground - random.uniform(0.03, 0.12),
    patches: Array.from({ length: random.integer(0, 3) }, () => {
      const left = random.uniform(-0.1, ASPECT - 0.1);
      const top = random.uniform(0, 0.5);
      const right = left + random.uniform(0.1, 0.4);
      const bottom = top + random.uniform(0.1, 0.3);
      return { left, top, right, bottom, colour: tinted(random, wall + random.uniform(-25, 25), 30) };
    }),
    texture: random.uniform(2, 10),
    grain: random.integer(0, 2 ** 32 - 1),
    pan: drift(random, LARGEST_PAN, 5, 20),
    tilt: drift(random, LARGEST_PAN / 2, 4, 15),
    light: drift(random, 0.1, 6, 30),
    noise: random.uniform(1, 8),
  };
}

/** A colour of a given brightness, and of any hue. */
function tinted(random: HostRandom, brightness: number, strength: number): Colour {
  const tint = LUMA.map(() => random.uniform(-strength, strength));
  const offset = brightness - tint.reduce((sum, value, i) => sum + LUMA[i]! * value, 0);
  return tint.map((value) => Math.min(250, Math.max(5, value + offset))) as unknown as Colour;
}

const drift = (random: HostRandom, most: number, shortest: number, longest: number): Drift => ({
  amount: random.uniform(0, most),
  period: random.uniform(shortest, longest),
  phase: random.uniform(0, 1),
});
