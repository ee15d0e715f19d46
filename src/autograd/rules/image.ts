import { averagePoolOperation, maxPoolOperation } from '../../ops/image/pool.js';
import { averagePoolGradientOperation, maxPoolGradientOperation } from '../../ops/image/pool-gradient.js';
import { resizeBilinearOperation } from '../../ops/image/resize.js';
import { resizeBilinearGradientOperation } from '../../ops/image/resize-gradient.js';
import { gradientOf } from '../gradient-rule.js';

export const imageRules = [
  gradientOf(averagePoolOperation, {
    rule: ({ shapes, options, gradients }) => ({
      x: averagePoolGradientOperation.run({ gradient: gradients.output! }, { ...options, shape: shapes.x })
        .output,
    }),
  }),
  gradientOf(maxPoolOperation, {
    keeps: () => ({ inputs: ['x'] }),
    rule: ({ inputs: { x }, options, gradients }) => ({
      x: maxPoolGradientOperation.run({ x, gradient: gradients.output! }, options).output,
    }),
  }),
  gradientOf(resizeBilinearOperation, {
    rule: ({ shapes: { x }, gradients }) => ({
      x: resizeBilinearGradientOperation.run({ gradient: gradients.output! }, { height: x[2]!, width: x[3]! })
        .output,
    }),
  }),
];
