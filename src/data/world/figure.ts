import { ease } from './ease.js';
import { actionPose, blend, type Pose } from './pose.js';
import type { Script, Waypoint } from './script.js';

/** What is coloured alike. */
export type BodyPart = 'skin' | 'top' | 'legs';

/** A part of the body: all points within `radius` of a line, in heights of the picture, y downwards. */
export interface Limb {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly radius: number;
  readonly part: BodyPart;
  /** On the far side of the body, which is drawn darker. */
  readonly far: boolean;
}

/** How a figure is built, in heights of the picture. */
export interface Build {
  /** From head to foot. */
  readonly size: number;
  /** Thickness of its limbs; 1 is the middle. */
  readonly thickness: number;
  /** Height of the ground on which it stands, from the top of the picture. */
  readonly ground: number;
}

type Point = readonly [x: number, y: number];

/** Seconds in which one action's pose goes over into the next one's. */
const TRANSITION = 0.35;
/** Seconds in which the figure turns round. */
const TURN = 0.4;

/** Lengths and radii in heights of the figure. */
interface Member {
  readonly length: number;
  readonly radius: number;
  readonly part: BodyPart;
}

const torso: Member = { length: 0.3, radius: 0.062, part: 'top' };
const neck: Member = { length: 0.125, radius: 0, part: 'skin' };
const skull: Member = { length: 0, radius: 0.075, part: 'skin' };
const upperArm: Member = { length: 0.165, radius: 0.03, part: 'top' };
const forearm: Member = { length: 0.17, radius: 0.028, part: 'skin' };
const thigh: Member = { length: 0.24, radius: 0.042, part: 'legs' };
const shin: Member = { length: 0.25, radius: 0.034, part: 'legs' };

/** The pose of the figure at a time of its script, actions going over into each other smoothly. */
export function poseAt({ actions }: Script, seconds: number): Pose {
  const found = actions.findIndex(({ end }) => seconds < end);
  const index = found < 0 ? actions.length - 1 : found;
  const action = actions[index]!;
  const pose = actionPose(action, seconds);
  const previous = actions[index - 1];
  const since = (seconds - action.start) / TRANSITION;
  return previous && since < 1 ? blend(actionPose(previous, seconds), pose, ease(since)) : pose;
}

/** Where the figure stands, and how it is turned: 1 to the right, -1 to the left, between while it turns. */
export function placeAt({ path }: Script, seconds: number): { x: number; facing: number } {
  const later = path.findIndex(({ time }) => time > seconds);
  const next = path[later];
  const last = path.at(later < 0 ? -1 : later - 1) as Waypoint;
  const share = next ? (seconds - last.time) / (next.time - last.time) : 0;
  const x = next ? last.x + share * (next.x - last.x) : last.x;
  const turned = path.findLast(({ time }, i) => time <= seconds && path[i - 1]?.facing === -path[i]!.facing);
  const turning = turned ? ease((seconds - turned.time) / TURN) : 1;
  return { x, facing: last.facing * (2 * turning - 1) };
}

/** The body in a pose, far side first, its lowest point on the ground. */
export function limbsOf(pose: Pose, x: number, facing: number, build: Build): Limb[] {
  const { size, thickness, ground } = build;
  /** The other end of what starts at a point and hangs at an angle. */
  const endOf = ([x, y]: Point, angle: number, { length }: Member): Point => [
    x + facing * size * length * Math.sin(angle),
    y + size * length * Math.cos(angle),
  ];
  const limb = ([x1, y1]: Point, [x2, y2]: Point, { radius, part }: Member, far = false): Limb => ({
    x1,
    y1,
    x2,
    y2,
    radius: size * radius * thickness,
    part,
    far,
  });
  const chain = (
    from: Point,
    upperAngle: number,
    upper: Member,
    lowerAngle: number,
    lower: Member,
    far: boolean,
  ) => {
    const joint = endOf(from, upperAngle, upper);
    return [limb(from, joint, upper, far), limb(joint, endOf(joint, lowerAngle, lower), lower, far)];
  };
  const hips: Point = [x + facing * size * pose.shift, 0];
  // The torso and the neck do not hang but stand.
  const shoulders = endOf(hips, Math.PI - pose.torso, torso);
  const face = endOf(shoulders, Math.PI - pose.neck, neck);
  const limbs = [
    ...chain(hips, pose.farThigh, thigh, pose.farShin, shin, true),
    ...chain(shoulders, pose.farUpperArm, upperArm, pose.farForearm, forearm, true),
    limb(hips, shoulders, torso),
    limb(face, face, skull),
    ...chain(hips, pose.nearThigh, thigh, pose.nearShin, shin, false),
    ...chain(shoulders, pose.nearUpperArm, upperArm, pose.nearForearm, forearm, false),
  ];
  const lowest = Math.max(...limbs.map(({ y1, y2, radius }) => Math.max(y1, y2) + radius));
  const drop = ground - pose.lift * size - lowest;
  return limbs.map((one) => ({ ...one, y1: one.y1 + drop, y2: one.y2 + drop }));
}
