import { actionKind, type Posture } from './actions.js';
import { ease } from './ease.js';
import type { ScriptedAction } from './script.js';

/**
 * Angles of the figure's parts in radians, for a figure that looks to the right: limbs hang at 0 and swing
 * forward, the torso stands at 0 and leans forward. "Near" and "far" is from the viewer. Lengths are in heights
 * of the figure.
 */
export interface Pose {
  readonly torso: number;
  /** Of the neck, as the torso. */
  readonly neck: number;
  readonly nearUpperArm: number;
  readonly nearForearm: number;
  readonly farUpperArm: number;
  readonly farForearm: number;
  readonly nearThigh: number;
  readonly nearShin: number;
  readonly farThigh: number;
  readonly farShin: number;
  /** How far the lowest point is above the ground. */
  readonly lift: number;
  /** How far the hips are in front of where the figure stands. */
  readonly shift: number;
}

const standing: Pose = {
  torso: 0.02,
  neck: 0.05,
  nearUpperArm: 0.1,
  nearForearm: 0.25,
  farUpperArm: -0.12,
  farForearm: 0.05,
  nearThigh: 0.09,
  nearShin: 0.02,
  farThigh: -0.07,
  farShin: -0.1,
  lift: 0,
  shift: 0,
};

const crouching: Pose = {
  ...standing,
  torso: 0.65,
  neck: 0.3,
  nearUpperArm: 0.9,
  nearForearm: 1.3,
  farUpperArm: 0.7,
  farForearm: 1.1,
  nearThigh: 1.45,
  nearShin: -0.55,
  farThigh: 1.35,
  farShin: -0.65,
  shift: -0.14,
};

const sitting: Pose = {
  ...standing,
  torso: -0.12,
  neck: 0.1,
  nearUpperArm: 0.6,
  nearForearm: 1.25,
  farUpperArm: -0.6,
  farForearm: -0.45,
  nearThigh: 2.1,
  nearShin: 0.45,
  farThigh: 1.95,
  farShin: 0.6,
  shift: -0.26,
};

const lying: Pose = {
  ...standing,
  torso: -Math.PI / 2,
  neck: -Math.PI / 2 + 0.1,
  nearUpperArm: 1.45,
  nearForearm: 1.6,
  farUpperArm: 1.75,
  farForearm: 1.5,
  nearThigh: 1.6,
  nearShin: 1.52,
  farThigh: 1.7,
  farShin: 1.4,
  shift: -0.1,
};

const postures: Readonly<Record<Posture, Pose>> = { standing, sitting, lying };

/** From one pose (0) to another (1). */
export function blend(from: Pose, to: Pose, amount: number): Pose {
  const mixed = { ...from };
  for (const part of Object.keys(from) as (keyof Pose)[]) {
    (mixed as Record<keyof Pose, number>)[part] += amount * (to[part] - from[part]);
  }
  return mixed;
}

const swing = (phase: number): number => Math.sin(2 * Math.PI * phase);

/** 0 at the start and the end of every period, 1 in the middle. */
const pulse = (phase: number): number => (1 - Math.cos(2 * Math.PI * phase)) / 2;

/** The limbs of the near side and of the far side change places. */
const mirror = (pose: Pose): Pose => ({
  ...pose,
  nearUpperArm: pose.farUpperArm,
  nearForearm: pose.farForearm,
  farUpperArm: pose.nearUpperArm,
  farForearm: pose.nearForearm,
  nearThigh: pose.farThigh,
  nearShin: pose.farShin,
  farThigh: pose.nearThigh,
  farShin: pose.nearShin,
});

/** Through one pose to the next, as `progress` goes from 0 to 1. */
function through(poses: readonly Pose[], progress: number): Pose {
  const at = Math.min(1, Math.max(0, progress)) * (poses.length - 1);
  const leg = Math.min(poses.length - 2, Math.floor(at));
  return blend(poses[leg]!, poses[leg + 1]!, ease(at - leg));
}

/** Breathing is all that moves. */
const rest = (pose: Pose, phase: number): Pose => ({
  ...pose,
  torso: pose.torso + 0.015 * swing(phase),
  nearUpperArm: pose.nearUpperArm + 0.03 * swing(phase),
  farUpperArm: pose.farUpperArm - 0.03 * swing(phase),
});

function walk(phase: number, vigour: number): Pose {
  const stride = 0.48 * vigour * swing(phase);
  // The knee bends while its leg comes forward.
  const bend = (step: number) => 0.12 + 0.75 * Math.max(0, Math.cos(2 * Math.PI * step));
  return {
    ...standing,
    torso: 0.07,
    nearThigh: stride,
    nearShin: stride - bend(phase),
    farThigh: -stride,
    farShin: -stride - bend(phase + 0.5),
    nearUpperArm: -0.9 * stride,
    nearForearm: -0.9 * stride + 0.4,
    farUpperArm: 0.9 * stride,
    farForearm: 0.9 * stride + 0.4,
  };
}

function jump(phase: number, vigour: number): Pose {
  const moment = phase - Math.floor(phase);
  const flight = (moment - 0.3) / 0.5;
  const aloft = flight > 0 && flight < 1 ? 4 * flight * (1 - flight) : 0;
  const crouch = moment < 0.3 ? pulse(moment / 0.3) : moment > 0.8 ? 0.6 * pulse((moment - 0.8) / 0.2) : 0;
  const bent = blend(standing, crouching, 0.6 * crouch);
  const raised = { nearUpperArm: 2.6, nearForearm: 2.9, farUpperArm: 2.3, farForearm: 2.6 };
  const reach = moment > 0.15 && moment < 0.95 ? pulse((moment - 0.15) / 0.8) : 0;
  return { ...blend(bent, { ...bent, ...raised }, reach), lift: 0.2 * vigour * aloft };
}

function wave(posture: Pose, phase: number, vigour: number): Pose {
  return { ...posture, nearUpperArm: 2.5, nearForearm: 2.75 + 0.75 * vigour * swing(phase) };
}

function kick(phase: number, vigour: number): Pose {
  const strike = pulse(phase) ** 1.5;
  const high: Pose = {
    ...standing,
    torso: -0.25,
    nearThigh: 1.45 * vigour,
    nearShin: 1.35 * vigour,
    nearUpperArm: -0.7,
    nearForearm: -0.4,
    farUpperArm: 1,
    farForearm: 1.4,
  };
  return blend(standing, high, strike);
}

function squat(phase: number, vigour: number): Pose {
  const stretched = { nearUpperArm: 1.5, nearForearm: 1.55, farUpperArm: 1.4, farForearm: 1.5 };
  const low: Pose = { ...crouching, ...stretched, torso: 0.45 };
  return blend({ ...standing, ...stretched }, low, Math.min(1, 0.9 * vigour) * pulse(phase));
}

/** The pose of an action by itself, at a time in seconds that may lie outside it. */
export function actionPose(action: ScriptedAction, seconds: number): Pose {
  const { name, start, end, posture, period, vigour, otherSide } = action;
  const phase = (seconds - start) / period;
  const progress = (seconds - start) / (end - start);
  switch (name) {
    case 'stand':
    case 'sit':
    case 'lie':
      return rest(postures[posture], phase);
    case 'sit down':
      return through([standing, crouching, sitting], progress);
    case 'stand up':
      return through([sitting, crouching, standing], progress);
    case 'lie down':
    case 'sit up':
      return through([postures[posture], postures[actionKind(name).to!]], progress);
    case 'walk':
      return walk(phase, vigour);
    case 'jump':
      return jump(phase, vigour);
    case 'wave':
      return otherSide
        ? mirror(wave(mirror(postures[posture]), phase, vigour))
        : wave(postures[posture], phase, vigour);
    case 'kick':
      return otherSide ? mirror(kick(phase, vigour)) : kick(phase, vigour);
    case 'squat':
      return squat(phase, vigour);
  }
}
