import { alignmentLogLikelihoodOperation, alignmentPosterior } from '../../ops/align/alignment.js';
import { mul } from '../../ops/array/binary.js';
import { gradientOf } from '../gradient-rule.js';
import { asDtype } from './as-dtype.js';

export const alignmentRules = [
  gradientOf(alignmentLogLikelihoodOperation, {
    keeps: () => ({ inputs: ['scores', 'counts'] }),
    rule({ inputs, shapes, problem: { dtype }, gradients: { output } }) {
      const [batch] = shapes.scores as [number, ...number[]];
      const slope = mul(alignmentPosterior(inputs), output!.reshape([batch, 1, 1]));
      return { scores: asDtype(slope, dtype) };
    },
  }),
];
