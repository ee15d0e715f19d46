import {
  checkFields,
  either,
  flag,
  integer,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { dropRate } from '../../../nn/dropout.js';
import { type MasraConfig, masraRule } from '../masra/config.js';

/** CG-DETR: clips attend to dummy tokens and words, and only the words' values count. */
export interface AdaptiveInteraction {
  readonly kind: 'adaptive';
  /** Layers of text-to-video attention. */
  readonly layers: number;
  /** D: tokens that take the probability of clips that no word is about. They are learned, or come from a codebook. */
  readonly dummies: number;
  /** Layers in which they attend to the words, and to each other; none with a codebook. */
  readonly dummyLayers: number;
  /**
   * K: codes of a codebook, of which those nearest to what the video shows and the text does not say are the dummies (MASRA).
   * Default: the dummies are learned themselves.
   */
  readonly codes?: number;
  /** Learned vectors that the saliency token is made of. */
  readonly prompts: number;
  /** How many of them make that of a video: those with the most weight. */
  readonly keptPrompts: number;
  /** Layers of the encoder of sentences, which exists for training alone. */
  readonly sentenceLayers: number;
  /** Layers of the encoder of moments, which exists for training alone. */
  readonly momentLayers: number;
}

/** QD-DETR: clips attend to words; the saliency token is one learned vector. */
export interface CrossInteraction {
  readonly kind: 'cross';
  /** Layers of text-to-video attention. */
  readonly layers: number;
}

/** Moment-DETR: the encoder sees clips and words as one sequence; saliency is linear in a clip. */
export interface JointInteraction {
  readonly kind: 'joint';
}

export interface CgDetrConfig {
  /** d: a multiple of 4, and of the heads. */
  readonly width: number;
  readonly heads: number;
  /** Width between the layers of the feed-forward networks. */
  readonly intermediate: number;
  /** Layers of LayerNorm, dropout and a linear map that bring clips and words to the width. */
  readonly projectionLayers: number;
  /** Share of the inputs of these that training drops. */
  readonly inputDropout: number;
  /** Share that training drops in Transformer layers. */
  readonly dropout: number;
  /** Whether that is whole samples on residual connections (DropPath). */
  readonly dropPath: boolean;
  /** Of the feed-forward networks. */
  readonly activation: 'relu' | 'prelu';
  /** Whether clips and words are told apart by a learned vector. */
  readonly tokenTypes: boolean;
  /** How clips learn of the text. */
  readonly interaction: AdaptiveInteraction | CrossInteraction | JointInteraction;
  /** What MASRA puts between that and the encoder; only `adaptive`. */
  readonly masra?: MasraConfig;
  readonly encoderLayers: number;
  readonly decoder: {
    /**
     * What a query of the decoder is: a span that each layer refines, whose sine embedding is its position (DAB-DETR, Liu et
     * al., arXiv:2201.12329), or a learned vector (DETR).
     */
    readonly kind: 'spans' | 'vectors';
    readonly layers: number;
    /** Q: moments that are found at most. */
    readonly queries: number;
  };
}

const interactionRule: Rule<CgDetrConfig['interaction']> = either(
  onlyFields<AdaptiveInteraction>({
    kind: oneOf('adaptive'),
    layers: integer(1),
    dummies: integer(1),
    dummyLayers: integer(0),
    codes: optional(integer(1)),
    prompts: integer(1),
    keptPrompts: integer(1),
    sentenceLayers: integer(1),
    momentLayers: integer(1),
  }),
  either(
    onlyFields<CrossInteraction>({ kind: oneOf('cross'), layers: integer(1) }),
    onlyFields<JointInteraction>({ kind: oneOf('joint') }),
  ),
);

/** Numbers of what is put in. */
export interface CgDetrSizes {
  /** C: of a clip. */
  readonly video: number;
  /** E: of a word. */
  readonly text: number;
}

export const cgDetrSizesRule: Rule<CgDetrSizes> = onlyFields<CgDetrSizes>({
  video: integer(1),
  text: integer(1),
});

export const cgDetrRules: Rules<CgDetrConfig> = {
  width: integer(4),
  heads: integer(1),
  intermediate: integer(1),
  projectionLayers: integer(1),
  inputDropout: dropRate,
  dropout: dropRate,
  dropPath: flag,
  activation: oneOf('relu', 'prelu'),
  tokenTypes: flag,
  interaction: interactionRule,
  masra: optional(masraRule),
  encoderLayers: integer(1),
  decoder: onlyFields<CgDetrConfig['decoder']>({
    kind: oneOf('spans', 'vectors'),
    layers: integer(1),
    queries: integer(1, 512),
  }),
};

/** @throws OptionError that names the field */
export function checkCgDetrConfig(config: CgDetrConfig): void {
  checkFields('cgDetr', config, cgDetrRules, 'field');
  const { width, heads, interaction, masra } = config;
  if (width % heads !== 0 || width % 4 !== 0) {
    throw new OptionError(`cgDetr: width must be a multiple of 4 and of the ${heads} heads, not ${width}`);
  }
  if (interaction.kind === 'adaptive') checkAdaptive(interaction);
  else if (masra) throw new OptionError('cgDetr: masra is for the interaction adaptive');
}

function checkAdaptive({ prompts, keptPrompts, dummies, dummyLayers, codes }: AdaptiveInteraction): void {
  if (keptPrompts > prompts) {
    throw new OptionError(
      `cgDetr: interaction.keptPrompts must be at most the ${prompts} prompts, not ${keptPrompts}`,
    );
  }
  if (codes !== undefined && (codes < dummies || dummyLayers > 0)) {
    throw new OptionError(
      `cgDetr: interaction.codes must be at least the ${dummies} dummies, and dummyLayers 0 with it, ` +
        `not ${codes} and ${dummyLayers}`,
    );
  }
}

/** CG-DETR on QVHighlights. */
const cgDetr = {
  width: 256,
  heads: 8,
  intermediate: 1024,
  projectionLayers: 2,
  inputDropout: 0.5,
  dropout: 0.1,
  dropPath: true,
  activation: 'prelu',
  tokenTypes: true,
  interaction: {
    kind: 'adaptive',
    layers: 2,
    dummies: 45,
    dummyLayers: 2,
    prompts: 10,
    keptPrompts: 1,
    sentenceLayers: 1,
    momentLayers: 1,
  },
  encoderLayers: 3,
  decoder: { kind: 'spans', layers: 3, queries: 10 },
} as const satisfies CgDetrConfig;

/** CG-DETR, its ancestors and MASRA as they were published for QVHighlights; of MASRA sizes that were not published are ours. */
export const cgDetrConfigs = {
  'cg-detr': cgDetr,
  'qd-detr': {
    ...cgDetr,
    dropPath: false,
    tokenTypes: false,
    interaction: { kind: 'cross', layers: 2 },
    encoderLayers: 2,
    decoder: { kind: 'spans', layers: 2, queries: 10 },
  },
  'moment-detr': {
    ...cgDetr,
    dropPath: false,
    activation: 'relu',
    tokenTypes: false,
    interaction: { kind: 'joint' },
    encoderLayers: 2,
    decoder: { kind: 'vectors', layers: 2, queries: 10 },
  },
  masra: {
    ...cgDetr,
    interaction: { ...cgDetr.interaction, dummies: 50, dummyLayers: 0, codes: 1024 },
    masra: {
      contextLayers: 1,
      semanticAlignment: { channels: 512 },
      guidedEnhancement: true,
      secondOrder: { channels: 8 },
    },
  },
} as const satisfies Record<string, CgDetrConfig>;
