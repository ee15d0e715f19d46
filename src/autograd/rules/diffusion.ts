import { fill } from '../../ops/array/fill.js';
import { qSample, qSampleOperation } from '../../ops/diffusion/q-sample.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf } from '../gradient-rule.js';

export const diffusionRules = [
  gradientOf(qSampleOperation, {
    keeps: () => ({ inputs: ['t', 'roots'] }),
    rule({ inputs: { t, roots }, problem: { shape, dtype }, gradients: { output }, wants }) {
      const none = fill(t.runtime, shape, 0, dtype);
      const step = (x0: Tensor, noise: Tensor) => qSample({ x0, noise, t, roots });
      return {
        ...(wants('x0') && { x0: step(output!, none) }),
        ...(wants('noise') && { noise: step(none, output!) }),
      };
    },
  }),
];
