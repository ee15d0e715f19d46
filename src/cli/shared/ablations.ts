import type { DecoderConfig, MapDiffusionConfig } from '../../models/map-diffusion/config.js';

type Change = (config: MapDiffusionConfig) => MapDiffusionConfig;

const decoder =
  (change: Partial<DecoderConfig>): Change =>
  (config) => ({ ...config, decoder: { ...config.decoder, ...change } });

/** The paper's ablations (its tables 2 to 4), each a change of one part of a model. */
export const ablations = {
  /** Transformer blocks on [H, F] instead of gated convolutions; heads of 8, which the fast attention kernels take. */
  transformer: decoder({ architecture: 'transformer', condition: 'concatenation', heads: 5 }),
  /** Transformer blocks that see the condition by cross-attention. */
  'cross-attention': decoder({ architecture: 'transformer', condition: 'cross-attention', embedding: 48 }),
  /** The same with the cells of all scales as one sequence. */
  'cross-attention-one-sequence': decoder({
    architecture: 'transformer',
    condition: 'cross-attention',
    sequence: 'all-scales',
    embedding: 48,
  }),
  /** The condition multiplied with the state instead of beside it. */
  multiplication: decoder({ condition: 'multiplication', embedding: 32 }),
  /** Cross entropy with the rescaled map instead of squared errors with the full one. */
  bce: (config) => ({ ...config, loss: { kind: 'bce', rescaleFrom: 0.5 } }),
  /** Cross entropy with the full map. */
  'bce-full': (config) => ({ ...config, loss: { kind: 'bce', rescaleFrom: 0 } }),
  /** The first stylization block on the state with the features beside it, as in the paper. */
  'fused-stylization': (config) =>
    decoder({ stylization: { ...config.decoder.stylization, input: 'fused' } })(config),
  /** No stylization block at the beginning. */
  'no-input-stylization': (config) =>
    decoder({ stylization: { ...config.decoder.stylization, input: 'none' } })(config),
  /** No stylization block after the layers. */
  'no-layer-stylization': (config) =>
    decoder({ stylization: { ...config.decoder.stylization, layers: false } })(config),
  'no-stylization': decoder({ stylization: { input: 'none', layers: false } }),
  /** One dense map instead of K sparse ones. */
  'one-scale': (config) => ({
    ...config,
    layout: { ...config.layout, scales: 1, durations: config.layout.clips },
  }),
  /** The clips' features learned from moments alone. */
  'no-recognition': ({ recognition: _, ...config }) => config,
  /** MS-2D-TAN's head on the same encoder. */
  'single-pass': (config) => ({ ...config, head: 'single-pass', loss: { kind: 'bce', rescaleFrom: 0.5 } }),
} satisfies Record<string, Change>;

export type Ablation = keyof typeof ablations;

export function ablated(config: MapDiffusionConfig, names: readonly Ablation[]): MapDiffusionConfig {
  return names.reduce((changed, name) => ablations[name](changed), config);
}
