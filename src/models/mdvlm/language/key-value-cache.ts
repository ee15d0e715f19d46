import { checkArgument, checkArguments, integer, objectWith, oneOf, type Rule } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { writePart } from '../../../ops/array/place.js';
import type { Dtype } from '../../../tensor/dtype.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LanguageConfig } from './language-config.js';
import { languageRule } from './language-config.js';

/** The turned keys and the values of one layer, each (B, heads of the keys, L, head size). */
export interface KeysAndValues {
  readonly key: Tensor;
  readonly value: Tensor;
}

export const keysAndValuesRule: Rule<KeysAndValues> = objectWith<KeysAndValues>({
  key: anyTensor,
  value: anyTensor,
});

/** Positions of the same sequences that a forward pass does not compute. */
export interface OtherPositions {
  /** Where the positions that it computes begin among all. */
  readonly start: number;
  /** The keys and values of all positions in a layer, with those of the computed ones. */
  all(layer: number, own: KeysAndValues): KeysAndValues;
}

/** A prefix before the computed positions, given by its keys and values of each layer; gradients flow into these. */
export function afterPrefix(layers: readonly KeysAndValues[]): OtherPositions {
  return {
    start: layers[0]!.key.shape[2]!,
    all: (layer, { key, value }) => ({
      key: concat([layers[layer]!.key, key], 2),
      value: concat([layers[layer]!.value, value], 2),
    }),
  };
}

/**
 * The keys and values of all positions of B sequences of length L, layer by layer: a forward pass over some positions
 * replaces theirs and attends to all. Positions that no pass has written hold zeros. It takes
 * 2 · B · L · key heads · head size numbers a layer.
 */
export class KeyValueCache extends Owner {
  readonly layers: readonly KeysAndValues[];

  /** Make it with `LanguageModel.keyValueCache`. @throws OptionError */
  constructor(
    runtime: Runtime,
    config: LanguageConfig,
    dtype: Dtype,
    readonly batch: number,
    /** L. */
    readonly length: number,
  ) {
    checkArguments(
      'KeyValueCache',
      { runtime, config, dtype, batch, length },
      {
        runtime: anyRuntime,
        config: languageRule,
        dtype: oneOf('f32', 'f16'),
        batch: integer(1),
        length: integer(1),
      },
    );
    const { layers, keyHeads, headSize } = config;
    super(runtime);
    const shape = [batch, keyHeads, length, headSize];
    this.layers = this.own(() =>
      Array.from({ length: layers }, () => ({
        key: fill(runtime, shape, 0, dtype),
        value: fill(runtime, shape, 0, dtype),
      })),
    );
  }

  /**
   * For a forward pass over the positions from `start` on, which writes theirs.
   * @throws OptionError in the pass, under a tape: what is written in place has no gradient
   */
  from(start: number): OtherPositions {
    checkArgument('KeyValueCache.from', 'start', start, integer(0, this.length - 1));
    this.checkAlive();
    return {
      start,
      all: (layer, { key, value }) => {
        const kept = this.layers[layer]!;
        if (key.runtime.tape)
          throw new OptionError('a key/value cache has no gradient: train with `LanguageModel.prefix`');
        writePart(kept.key, key, [0, 0, start, 0]);
        writePart(kept.value, value, [0, 0, start, 0]);
        return kept;
      },
    };
  }
}
