import { type Rule, rule } from '../../arguments.js';
import type { HostRandom } from '../host-random.js';
import { type ActionName, actionKind, actionNames, type Posture, SHORTEST_ACTION } from './actions.js';
import { ASPECT, LARGEST_PAN } from './picture.js';

/** An action of a video. Times are seconds, in hundredths; each action ends where the next one starts. */
export interface ScriptedAction {
  readonly name: ActionName;
  readonly start: number;
  readonly end: number;
  /** The posture in which it begins. */
  readonly posture: Posture;
  /** Seconds from one step, jump, … to the next of the same side. */
  readonly period: number;
  /** How far the limbs swing; 1 is the middle. */
  readonly vigour: number;
  /** Where one limb acts: whether it is that of the far side. */
  readonly otherSide: boolean;
}

/** From one moment on, the figure stands at `x` and looks to `facing`; between moments it moves evenly. */
export interface Waypoint {
  readonly time: number;
  /** In heights of the picture, from its left edge. */
  readonly x: number;
  /** 1 to the right, -1 to the left. */
  readonly facing: 1 | -1;
}

export interface Script {
  /** Seconds. */
  readonly duration: number;
  readonly actions: readonly ScriptedAction[];
  readonly path: readonly Waypoint[];
}

export interface ScriptOptions {
  /** The shortest and the longest video in whole seconds; default 24 to 40. */
  readonly seconds?: readonly [number, number];
}

export const secondsRule: Rule<readonly [number, number]> = rule(
  '[shortest, longest], two integers from 10 to 3600, the first at most the second',
  (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((seconds) => Number.isInteger(seconds) && seconds >= 10 && seconds <= 3600) &&
    value[0] <= value[1],
);

/** How far a lying figure reaches from where it stood, in heights of the figure. */
const REACH = 0.62;
/** What a period of walking covers, in heights of the figure. */
const STRIDE = 0.7;

/** It does not set out towards an edge this near: it would turn round while it still turns. */
const LEAST_ROOM = 0.2;

/** Seconds that one repetition takes. */
const periods: Partial<Record<ActionName, readonly [number, number]>> = {
  walk: [1, 1.5],
  jump: [0.8, 1.2],
  wave: [0.7, 1.2],
  kick: [1.2, 1.8],
  squat: [1.5, 2.3],
};

/**
 * A random sequence of actions, each possible after the one before it, and never the same twice in a row.
 * @param size height of the figure, in heights of the picture
 */
export function writeScript(
  random: HostRandom,
  size: number,
  { seconds: [shortest, longest] = [24, 40] }: ScriptOptions = {},
): Script {
  // Whole seconds are whole numbers of frames at any rate. Within, times are hundredths: their sums are exact.
  const total = 100 * random.integer(shortest, longest);
  const actions: ScriptedAction[] = [];
  let posture = random.choose<Posture>(['standing', 'standing', 'standing', 'sitting', 'lying']);
  for (let start = 0; start < total; ) {
    const name = nextAction(random, posture, actions.at(-1)?.name);
    const { longest, to } = actionKind(name);
    const length = chooseLength(random, longest * 100, total - start);
    actions.push({
      name,
      start: start / 100,
      end: (start + length) / 100,
      posture,
      period: random.uniform(...(periods[name] ?? [3, 5])),
      vigour: random.uniform(0.85, 1.15),
      otherSide: random.chance(0.5),
    });
    posture = to ?? posture;
    start += length;
  }
  return { duration: total / 100, actions, path: layPath(random, actions, size) };
}

function nextAction(random: HostRandom, posture: Posture, previous: ActionName | undefined): ActionName {
  const possible = actionNames.filter((name) => name !== previous && actionKind(name).from.includes(posture));
  const weights = possible.map((name) => actionKind(name).weight);
  let left = random.uniform(
    0,
    weights.reduce((sum, weight) => sum + weight),
  );
  const chosen = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return possible.at(chosen)!;
}

/** Hundredths of a second. What is left after it is nothing, or enough for another action. */
function chooseLength(random: HostRandom, longest: number, left: number): number {
  if (left <= longest) return left;
  return Math.min(random.integer(SHORTEST_ACTION * 100, longest), left - SHORTEST_ACTION * 100);
}

/** Moves the figure where it walks: to and fro, where it would be seen whole if it lay down. */
function layPath(random: HostRandom, actions: readonly ScriptedAction[], size: number): Waypoint[] {
  const leftmost = REACH * size + LARGEST_PAN;
  const rightmost = ASPECT - leftmost;
  let x = random.uniform(leftmost, rightmost);
  let facing: 1 | -1 = random.choose([1, -1]);
  const path: Waypoint[] = [{ time: 0, x, facing }];
  for (const { name, start, end, period } of actions) {
    if (name !== 'walk') continue;
    const room = (towards: 1 | -1) => (towards === 1 ? rightmost - x : x - leftmost);
    const back = facing === 1 ? -1 : 1;
    if (random.chance(0.5) ? room(back) > LEAST_ROOM : room(facing) <= LEAST_ROOM) facing = back;
    const speed = (STRIDE * size) / period;
    for (let time = start; time < end; ) {
      const edge = facing === 1 ? rightmost : leftmost;
      path.push({ time, x, facing });
      const arrival = time + Math.abs(edge - x) / speed;
      x = arrival < end ? edge : x + facing * speed * (end - time);
      time = Math.min(arrival, end);
      path.push({ time, x, facing });
      if (time < end) facing = facing === 1 ? -1 : 1;
    }
  }
  return path;
}
