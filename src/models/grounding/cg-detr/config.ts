import {
  checkFields,
  either,
  flag,
  integer,
  oneOf,
  onlyFields,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { dropRate } from '../../../nn/dropout.js';

/** CG-DETR: clips attend to dummy tokens and words, and only the words' values count. */
export interface AdaptiveInteraction {
  readonly kind: 'adaptive';
  /** Layers of text-to-video attention. */
  readonly layers: number;
  /** D: learned tokens that take the probability of clips that no word is about. */
  readonly dummies: number;
  /** Layers in which they attend to the words, and to each other. */
  readonly dummyLayers: number;
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
  /** C: numbers of a clip, with the two of its time where features have them beside (`tef`). */
  readonly videoChannels: number;
  /** E: numbers of a word. */
  readonly textChannels: number;
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
    dummyLayers: integer(1),
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

export const cgDetrRules: Rules<CgDetrConfig> = {
  videoChannels: integer(1),
  textChannels: integer(1),
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
  const { width, heads, interaction } = config;
  if (width % heads !== 0 || width % 4 !== 0) {
    throw new OptionError(`cgDetr: width must be a multiple of 4 and of the ${heads} heads, not ${width}`);
  }
  if (interaction.kind === 'adaptive' && interaction.keptPrompts > interaction.prompts) {
    throw new OptionError(
      `cgDetr: interaction.keptPrompts must be at most the ${interaction.prompts} prompts, not ${interaction.keptPrompts}`,
    );
  }
}

/** Features of a clip, and the beginning and end of its time in the video. */
const withTimes = (channels: number) => channels + 2;

const adaptive: AdaptiveInteraction = {
  kind: 'adaptive',
  layers: 2,
  dummies: 45,
  dummyLayers: 2,
  prompts: 10,
  keptPrompts: 1,
  sentenceLayers: 1,
  momentLayers: 1,
};

const qvhighlights: CgDetrConfig = {
  videoChannels: withTimes(2304 + 512),
  textChannels: 512,
  width: 256,
  heads: 8,
  intermediate: 1024,
  projectionLayers: 2,
  inputDropout: 0.5,
  dropout: 0.1,
  dropPath: true,
  activation: 'prelu',
  tokenTypes: true,
  interaction: adaptive,
  encoderLayers: 3,
  decoder: { kind: 'spans', layers: 3, queries: 10 },
};

const twoPrompts = { ...adaptive, keptPrompts: 2 };

/** Configurations by name: those of CG-DETR by their data set, then its ancestors on QVHighlights. */
export const cgDetrConfigs = {
  /** SlowFast and CLIP features of 2 s. */
  qvhighlights,
  /** SlowFast and CLIP features of 1 s. */
  'charades-sta': { ...qvhighlights, interaction: twoPrompts },
  /** VGG features of 1/6 s and GloVe words. */
  'charades-sta-vgg': {
    ...qvhighlights,
    videoChannels: withTimes(4096),
    textChannels: 300,
    dropout: 0.2,
    interaction: twoPrompts,
  },
  /** SlowFast and CLIP features of 2 s. */
  tacos: { ...qvhighlights, interaction: { ...twoPrompts, dummies: 50 } },
  /** I3D features, RGB and optical flow. */
  tvsum: { ...qvhighlights, videoChannels: withTimes(2048), interaction: { ...adaptive, dummies: 3 } },
  /** SlowFast and CLIP features of 1 s. */
  'youtube-highlights': { ...qvhighlights, interaction: { ...adaptive, dummies: 1 } },
  /** Query-dependent video representation (Moon et al., arXiv:2303.13874). */
  'qd-detr': {
    ...qvhighlights,
    dropPath: false,
    tokenTypes: false,
    interaction: { kind: 'cross', layers: 2 },
    encoderLayers: 2,
    decoder: { kind: 'spans', layers: 2, queries: 10 },
  },
  /** Lei et al., arXiv:2107.09609. */
  'moment-detr': {
    ...qvhighlights,
    dropPath: false,
    activation: 'relu',
    tokenTypes: false,
    interaction: { kind: 'joint' },
    encoderLayers: 2,
    decoder: { kind: 'vectors', layers: 2, queries: 10 },
  },
} as const satisfies Record<string, CgDetrConfig>;
