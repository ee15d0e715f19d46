import { Conv2d } from '../../nn/conv.js';
import { GatedConv2d } from '../../nn/gated-conv.js';
import { mul } from '../../ops/array/binary.js';
import { concat } from '../../ops/array/concat.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { MapDiffusionConfig } from './config.js';
import { Decoder, type ScaleCondition } from './decoder.js';
import { MapStylization } from './stylization.js';

/**
 * Stacked gated convolutions on [H, F] with a stylization block at the beginning and after each of them; the paper's
 * default. H = FC(Y_t), and the state comes first among the channels.
 */
export class ConvolutionDecoder extends Decoder {
  readonly #embedding: number;
  readonly #embed: Conv2d;
  /** For the condition `multiplication`: F with as many channels as H. */
  readonly #match: Conv2d | undefined;
  readonly #inputStyle: MapStylization | undefined;
  readonly #layers: readonly {
    readonly convolution: GatedConv2d;
    readonly style: MapStylization | undefined;
  }[];
  readonly #head: Conv2d;
  readonly #fusesFirst: boolean;
  readonly #concatenates: boolean;

  /** @throws OptionError where the groups do not divide the channels */
  constructor(runtime: Runtime, { decoder, hidden: conditionChannels }: MapDiffusionConfig, time: number) {
    super(runtime);
    const { embedding, hidden, layers, kernel, groups, stylization } = decoder;
    this.#embedding = embedding;
    this.#concatenates = decoder.condition === 'concatenation';
    this.#fusesFirst = stylization.input === 'fused';
    this.#embed = this.child('embed', new Conv2d(runtime, 1, embedding, 1));
    this.#match = this.#concatenates
      ? undefined
      : this.child('match', new Conv2d(runtime, conditionChannels, embedding, 1));
    const inputs = this.#concatenates ? embedding + conditionChannels : embedding;
    const style = (name: string, channels: number) =>
      this.child(name, new MapStylization(runtime, channels, time, groups));
    const styled = this.#fusesFirst ? inputs : embedding;
    this.#inputStyle = stylization.input === 'none' ? undefined : style('input_style', styled);
    this.#layers = Array.from({ length: layers }, (_, i) => ({
      convolution: this.child(
        `blocks.${i}`,
        new GatedConv2d(runtime, i === 0 ? inputs : hidden, hidden, kernel),
      ),
      style: stylization.layers ? style(`styles.${i}`, hidden) : undefined,
    }));
    this.#head = this.child('head', new Conv2d(runtime, hidden, 1, 1));
  }

  prepare(condition: ScaleCondition): ScaleCondition {
    const { fused } = condition;
    if (!this.#concatenates) return { ...condition, prepared: this.#match!.forward(fused) };
    // A stylization of [H, F] makes another input of F in each step.
    if (this.#fusesFirst) return condition;
    return { ...condition, prepared: this.#layers[0]!.convolution.partial(fused, this.#embedding) };
  }

  forward(state: Tensor, time: Tensor, condition: ScaleCondition): Tensor {
    return this.runtime.scope(() => {
      let x = this.#first(this.#embed.forward(state), time, condition);
      this.#layers.forEach(({ convolution, style }, i) => {
        if (i > 0) x = convolution.forward(x);
        if (style) x = style.forward(x, time);
      });
      return this.#head.forward(x);
    });
  }

  /** The first convolution, which takes the condition in. */
  #first(embedded: Tensor, time: Tensor, { fused, prepared }: ScaleCondition): Tensor {
    const { convolution } = this.#layers[0]!;
    const styled = (x: Tensor) => this.#inputStyle?.forward(x, time) ?? x;
    if (!this.#concatenates) {
      const matched = prepared ?? this.#match!.forward(fused);
      return convolution.forward(
        this.#fusesFirst ? styled(mul(embedded, matched)) : mul(styled(embedded), matched),
      );
    }
    if (this.#fusesFirst) return convolution.forward(styled(concat([embedded, fused], 1)));
    return convolution.forward(styled(embedded), prepared ? { partial: prepared } : { condition: fused });
  }
}
