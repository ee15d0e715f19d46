import type { NumericArray } from '../../src/data/formats/array.js';
import type { Features } from '../../src/data/formats/features.js';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { openUniform, philox } from '../../src/ops/random/philox.js';
import type { Detection } from '../../src/time/segment.js';

/** Names in the order of the network's outputs, background last. */
export const demoClasses = ['Running', 'Jumping', 'Waving', 'Sitting down', 'Background'] as const;

const actionCount = demoClasses.length - 1;
const channels = 64;
const branches = 4;
const seed = 20;

/** The features of a made-up video, one step a second, and what was planted in them. */
export interface DemoVideo {
  readonly features: Features;
  /** Seconds. */
  readonly duration: number;
  readonly actions: readonly (Omit<Detection, 'score'> & {
    readonly segment: readonly [number, number];
  })[];
}

/**
 * Noise everywhere; during an action the pattern of its class is added, fading in and out over its first and
 * last second.
 */
export function demoVideo(): DemoVideo {
  const duration = 90;
  const actions: DemoVideo['actions'] = [
    { label: 'Running', segment: [8, 17] },
    { label: 'Jumping', segment: [26, 36] },
    { label: 'Running', segment: [45, 53] },
    { label: 'Sitting down', segment: [66, 78] },
  ];
  const patterns = classPatterns();
  const noise = normals(duration * channels, 1);
  const data = Float32Array.from(noise, (value, i) => {
    const step = Math.floor(i / channels);
    let sum = 0.08 * value;
    for (const { label, segment } of actions) {
      const [start, end] = segment;
      if (step < start || step >= end) continue;
      const strength = step === start || step === end - 1 ? 0.6 : 1;
      sum += strength * patterns[demoClasses.indexOf(label as never)]![i % channels]!;
    }
    return sum;
  });
  return { features: { steps: duration, channels, data }, duration, actions };
}

/**
 * A CMCS network that looks for those patterns, as the bytes of a safetensors file. Its weights are set by hand,
 * not trained: the first layer matches patterns, the branches smooth over three steps, the heads weigh.
 */
export function demoCheckpoint(): Uint8Array {
  const patterns = classPatterns();
  const identity = (value: (row: number, column: number) => number) =>
    Array.from({ length: actionCount ** 2 }, (_, i) => {
      const [row, column] = [Math.floor(i / actionCount), i % actionCount];
      return row === column ? value(row, column) : 0;
    });
  const tensors: Record<string, NumericArray> = {
    'base.base_conv_0.weight': array([actionCount, channels, 1], patterns.flat()),
    'base.base_conv_0.bias': array([actionCount], Array(actionCount).fill(-0.2)),
    'att_bottom.att_conv_0.weight': array(
      [actionCount, actionCount, 1],
      identity(() => 1),
    ),
    'att_bottom.att_conv_0.bias': array([actionCount], Array(actionCount).fill(0)),
    'att_head.weight': array([1, actionCount], Array(actionCount).fill(4)),
    'att_head.bias': array([1], [0]),
  };
  for (let branch = 0; branch < branches; branch++) {
    const taps = [0.25, 0.5, 0.25];
    const smoothing = identity(() => 1).flatMap((weight) => taps.map((tap) => tap * weight));
    const toClasses = identity(() => 6);
    const toBackground = Array(actionCount).fill(-4);
    const name = `cls_bottoms.${branch}.cls_b${branch}_conv_0`;
    tensors[`${name}.weight`] = array([actionCount, actionCount, 3], smoothing);
    tensors[`${name}.bias`] = array([actionCount], Array(actionCount).fill(0));
    tensors[`cls_heads.${branch}.weight`] = array(
      [demoClasses.length, actionCount],
      [...toClasses, ...toBackground],
    );
    tensors[`cls_heads.${branch}.bias`] = array([demoClasses.length], [...Array(actionCount).fill(0), 2]);
  }
  return encodeSafetensors(tensors);
}

/** A random unit vector of `channels` numbers for each action. */
function classPatterns(): number[][] {
  return Array.from({ length: actionCount }, (_, label) => {
    const vector = normals(channels, 2 + label);
    const norm = Math.hypot(...vector);
    return Array.from(vector, (value) => value / norm);
  });
}

/** Standard normal numbers, the same on every machine. */
function normals(count: number, stream: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const [a, b] = philox([i, 0, stream, 0], [seed, 0]);
    return Math.sqrt(-2 * Math.log(openUniform(a))) * Math.cos(2 * Math.PI * openUniform(b));
  });
}

function array(shape: number[], values: number[]): NumericArray {
  return { dtype: 'f32', shape, data: Float32Array.from(values) };
}
