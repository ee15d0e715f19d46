import { broadcastToOperation } from '../../ops/array/broadcast-to.js';
import { concatOperation } from '../../ops/array/concat.js';
import { padOperation } from '../../ops/array/pad.js';
import { permute, permuteOperation } from '../../ops/array/permute.js';
import { place, placeOperation } from '../../ops/array/place.js';
import { reverseSequence, reverseSequenceOperation } from '../../ops/array/reverse-sequence.js';
import { narrow, slice, sliceOperation } from '../../ops/array/slice.js';
import { sumTo } from '../../ops/array/sum-to.js';
import { axisOf } from '../../tensor/shape.js';
import { gradientOf } from '../gradient-rule.js';

/** Rules of operations that move or repeat elements: each is the adjoint of the move. */
export const layoutRules = [
  gradientOf(broadcastToOperation, {
    rule: ({ shapes, gradients: { output } }) => ({ x: sumTo(output!, shapes.x) }),
  }),
  gradientOf(permuteOperation, {
    rule({ shapes: { x: shape }, options: { axes }, gradients: { output } }) {
      const order = axes.map((axis) => axisOf(axis, shape.length));
      const inverse = shape.map((_, axis) => order.indexOf(axis));
      return { x: permute(output!, inverse) };
    },
  }),
  gradientOf(sliceOperation, {
    rule: ({ shapes: { x: shape }, options: { starts, steps }, gradients: { output } }) => ({
      x: place(output!, { shape, starts, steps }),
    }),
  }),
  gradientOf(placeOperation, {
    rule: ({ problem: { starts, sizes, steps }, gradients: { output } }) => ({
      x: slice(output!, { starts, sizes, steps }),
    }),
  }),
  gradientOf(padOperation, {
    rule: ({ shapes, options: { before }, gradients: { output } }) => ({
      x: slice(output!, { starts: before, sizes: shapes.x }),
    }),
  }),
  gradientOf(concatOperation, {
    rule({ shapes, options: { axis }, gradients: { output }, wants }) {
      const parts = Object.entries(shapes).filter(([, shape]) => shape !== undefined);
      const along = axisOf(axis, output!.rank);
      let start = 0;
      return Object.fromEntries(
        parts.map(([name, shape]) => {
          const size = shape![along]!;
          start += size;
          return [name, wants(name) ? narrow(output!, along, start - size, size) : undefined];
        }),
      );
    },
  }),
  gradientOf(reverseSequenceOperation, {
    keeps: () => ({ inputs: ['lengths'] }),
    rule: ({ inputs: { lengths }, gradients }) => ({
      x: reverseSequence({ x: gradients.output!, lengths }),
    }),
  }),
];
