import { fill } from '../../ops/array/fill.js';
import { gather, gatherOperation } from '../../ops/array/gather.js';
import { scatter, scatterOperation } from '../../ops/array/scatter.js';
import { scatterAdd, scatterAddOperation } from '../../ops/array/scatter-add.js';
import { topKOperation } from '../../ops/array/topk.js';
import { gradientOf } from '../gradient-rule.js';

/** Rules of operations that address elements by their indices. */
export const indexingRules = [
  gradientOf(gatherOperation, {
    keeps: () => ({ inputs: ['ids'] }),
    rule: ({ inputs: { ids }, problem: { n }, options: { axis }, gradients: { output } }) => ({
      x: scatterAdd({ ids, updates: output! }, { axis, size: n }),
    }),
  }),
  gradientOf(scatterAddOperation, {
    keeps: () => ({ inputs: ['ids'] }),
    rule: ({ inputs: { ids }, options: { axis }, gradients: { output }, wants }) => ({
      ...(wants('x') && { x: output! }),
      ...(wants('updates') && { updates: gather({ x: output!, ids }, { axis }) }),
    }),
  }),
  gradientOf(scatterOperation, {
    keeps: () => ({ inputs: ['ids'] }),
    // Where ids repeat, which update stayed is not known: each is given the gradient.
    rule: ({ inputs: { ids }, problem: { dtype }, shapes, options, gradients: { output }, wants }) => ({
      ...(wants('x') && {
        x: scatter({ x: output!, ids, updates: fill(ids.runtime, shapes.updates!, 0, dtype) }, options),
      }),
      ...(wants('updates') && { updates: gather({ x: output!, ids }, options) }),
    }),
  }),
  gradientOf(topKOperation, {
    keeps: () => ({ outputs: ['indices'] }),
    rule({ outputs: { indices }, shapes, gradients }) {
      const updates = gradients.values!;
      const zeros = fill(updates.runtime, shapes.x, 0, updates.dtype);
      return { x: scatter({ x: zeros, ids: indices, updates }, { axis: -1 }) };
    },
  }),
];
