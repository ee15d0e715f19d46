import {
  checkArgument,
  checkArguments,
  integer,
  listOf,
  objectBy,
  oneOf,
  onlyFields,
  optional,
  positive,
  someOf,
} from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { Module } from '../../nn/module.js';
import { concat } from '../../ops/array/concat.js';
import { transpose } from '../../ops/array/permute.js';
import { narrow } from '../../ops/array/slice.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../tensor/tensor.js';
import { SignalClips } from '../common/signal-clips.js';
import { type SignalConfig, stagesRule, totalStride } from '../common/signal-config.js';

/** Features that were computed before: a row is a snippet. The first half of the channels is RGB, the second flow. */
export interface FeatureSnippets {
  readonly kind: 'features';
  readonly channels: number;
}

/** Snippets of a signal by convolutions that are trained along (ours). A modality is a part of the signal's channels. */
export interface SignalSnippets extends Pick<SignalConfig, 'kind' | 'rate' | 'stages' | 'context'> {
  /** Channels of the signal that each modality has, in their order: [3, 3] for an accelerometer and a gyroscope. */
  readonly modalities: readonly number[];
  /** Channels of a snippet for each modality. */
  readonly width: number;
}

export type SnippetsConfig = FeatureSnippets | SignalSnippets;

const size = integer(1);
const featuresRule = onlyFields<FeatureSnippets>({ kind: oneOf('features'), channels: size });
const signalRule = onlyFields<SignalSnippets>({
  kind: oneOf('signal'),
  modalities: someOf(size),
  rate: optional(positive),
  stages: stagesRule,
  context: listOf(size),
  width: size,
});

export const snippetsRule = objectBy<'kind', SnippetsConfig>('kind', {
  features: featuresRule,
  signal: signalRule,
});

/** Samples of a snippet; 1 for features, whose rows are snippets. */
export function samplesOf(config: SnippetsConfig): number {
  return config.kind === 'signal' ? totalStride(config.stages) : 1;
}

/** Channels of what a bag is read from: of the features or of the signal. */
export function sourceChannels(config: SnippetsConfig): number {
  return config.kind === 'signal'
    ? config.modalities.reduce((sum, channels) => sum + channels, 0)
    : config.channels;
}

/** Channels of a snippet. */
export function snippetChannels(config: SnippetsConfig): number {
  return config.kind === 'signal' ? config.modalities.length * config.width : config.channels;
}

/** Makes the snippets of bags. */
export class Snippets extends Module {
  readonly #encoders: readonly SignalClips[];

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: SnippetsConfig,
  ) {
    checkArguments('Snippets', { runtime, config }, { runtime: anyRuntime, config: snippetsRule });
    super(runtime);
    this.#encoders =
      config.kind === 'features'
        ? []
        : config.modalities.map((channels, i) => {
            const { stages, context, width } = config;
            return this.child(
              `${i}`,
              new SignalClips(runtime, { kind: 'signal', channels, stages, context }, width),
            );
          });
  }

  /**
   * Bags as they are read, features (B, T, channels) or signals (B, channels, T · samples), to snippets (B, T, C).
   * @throws ShapeError
   */
  forward(bags: Tensor): Tensor {
    checkArgument('Snippets.forward', 'bags', bags, anyTensor);
    const { config } = this;
    const channels = sourceChannels(config);
    if (bags.rank !== 3 || bags.shape[config.kind === 'signal' ? 1 : 2] !== channels) {
      const wanted = config.kind === 'signal' ? `(B, ${channels}, samples)` : `(B, T, ${channels})`;
      throw new ShapeError(`Snippets.forward: bags must be ${wanted}, not ${bags}`);
    }
    if (config.kind === 'features') return bags.reshape(bags.shape);
    return this.runtime.scope(() => {
      let first = 0;
      const parts = config.modalities.map((count, i) => {
        const modality = narrow(bags, 1, first, count);
        first += count;
        return this.#encoders[i]!.forward(modality);
      });
      return transpose(parts.length === 1 ? parts[0]! : concat(parts, 1), 1, 2);
    });
  }
}
