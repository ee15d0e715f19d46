import { Module } from '../../../nn/module.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { Encoded } from './interaction.js';

/** What each layer of a decoder knows of the queries' moments. */
export interface Decoded {
  /** (layers, B, Q, d). */
  readonly states: Tensor;
  /** (layers, B, Q, 2): logits of the spans, centre and width, that each layer started from, where queries are spans. */
  readonly spans?: Tensor;
}

/** Finds moments in what the encoder gave. */
export abstract class Decoder extends Module {
  abstract forward(memory: Pick<Encoded, 'memory' | 'memoryMask' | 'memoryPositions'>): Decoded;
}
