import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import type { Features } from '../../src/data/formats/features.js';
import { classProbabilities, type LocalizationScores } from '../../src/models/wtal/proposals.js';

/** Convolution over time, zero padding; input [T, I], weight [O, I, k] or [O, I]; result [T, O]. */
function convolve(
  input: ArrayLike<number>,
  steps: number,
  weight: NumericArray,
  bias: NumericArray,
): Float64Array {
  const [outputs, inputs, taps = 1] = weight.shape as [number, number, number?];
  const w = toFloat32(weight);
  const b = toFloat32(bias);
  const result = new Float64Array(steps * outputs);
  for (let t = 0; t < steps; t++) {
    for (let o = 0; o < outputs; o++) {
      let sum = b[o]!;
      for (let k = 0; k < taps; k++) {
        const from = t + k - (taps >> 1);
        if (from < 0 || from >= steps) continue;
        for (let i = 0; i < inputs; i++) sum += input[from * inputs + i]! * w[(o * inputs + i) * taps + k]!;
      }
      result[t * outputs + o] = sum;
    }
  }
  return result;
}

const relu = (values: Float64Array): Float64Array => values.map((value) => Math.max(0, value));

/** The forward pass of CMCS (Liu, Jiang, Wang, CVPR 2019) in double precision, one loop after another. */
export function cmcsForward(weights: Record<string, NumericArray>, features: Features): LocalizationScores {
  const { steps, data } = features;
  const layer = (name: string, input: ArrayLike<number>) =>
    convolve(input, steps, weights[`${name}.weight`]!, weights[`${name}.bias`]!);
  const base = relu(layer('base.base_conv_0', data));
  const branches = [0, 1, 2, 3].map((i) =>
    layer(`cls_heads.${i}`, relu(layer(`cls_bottoms.${i}.cls_b${i}_conv_0`, base))),
  );
  const cas = branches[0]!.map((_, at) => branches.reduce((sum, branch) => sum + branch[at]!, 0) / 4);
  const attention = classProbabilities(layer('att_head', relu(layer('att_bottom.att_conv_0', base))), steps);
  const classes = cas.length / steps;
  const pooled = new Float64Array(classes);
  for (let at = 0; at < cas.length; at++)
    pooled[at % classes]! += attention[Math.floor(at / classes)]! * cas[at]!;
  return { cas, attention, videoScores: classProbabilities(pooled, classes), background: true };
}
