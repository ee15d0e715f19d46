import {
  checkFields,
  flag,
  integer,
  objectBy,
  oneOf,
  onlyFields,
  optional,
  type Rules,
} from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { type SignalConfig, signalRule, smartphoneClips } from '../common/signal-config.js';
import { type CgDetrConfig, cgDetrConfigs, cgDetrRules, checkCgDetrConfig } from './cg-detr/config.js';

/** Clips whose features were computed before: a row is a clip. */
export interface FeatureClips {
  readonly kind: 'features';
  /** Numbers of a row. */
  readonly channels: number;
  /** The row is so many parts of one size, each of which is divided by its Euclidean norm; default: it stays as it is. */
  readonly parts?: number;
}

/** How a text becomes vectors, one a word. */
export interface TextConfig {
  /** `words`: vectors of words from a table; `features`: those that the data set brings with each query (CLIP), divided by their norms. */
  readonly kind: 'words' | 'features';
  /** Numbers of a vector. */
  readonly channels: number;
  /** L: words that are read at most. */
  readonly longest: number;
}

/** A model that finds moments by a text, and tells how well each clip shows it. */
export interface GroundingConfig {
  /** What is seen of a video: features, or a signal through convolutions that are trained along (ours). */
  readonly clips: FeatureClips | SignalConfig;
  /** T: clips that are seen at a time. */
  readonly longest: number;
  readonly text: TextConfig;
  readonly network: CgDetrConfig;
  /** Whether moments begin and end where clips do; default false. */
  readonly wholeClips?: boolean;
}

const featuresRule = onlyFields<FeatureClips>({
  kind: oneOf('features'),
  channels: integer(1),
  parts: optional(integer(1)),
});

const clipsRule = objectBy<'kind', GroundingConfig['clips']>('kind', {
  features: featuresRule,
  signal: signalRule,
});

export const groundingRules: Rules<GroundingConfig> = {
  clips: clipsRule,
  longest: integer(1),
  text: onlyFields<TextConfig>({
    kind: oneOf('words', 'features'),
    channels: integer(1),
    longest: integer(1),
  }),
  network: onlyFields(cgDetrRules),
  wholeClips: optional(flag),
};

/** @throws OptionError that names the field */
export function checkGroundingConfig(config: GroundingConfig): void {
  checkFields('grounding', config, groundingRules, 'field');
  const { clips, network } = config;
  if (clips.kind === 'features' && clips.channels % (clips.parts ?? 1) !== 0) {
    throw new OptionError(
      `grounding: clips.parts must divide the ${clips.channels} channels, not be ${clips.parts}`,
    );
  }
  checkCgDetrConfig(network);
}

const { 'cg-detr': cgDetr, masra } = cgDetrConfigs;
const clip: TextConfig = { kind: 'features', channels: 512, longest: 32 };

/** SlowFast and CLIP, of which the data sets say that each is divided by its norm. */
const slowFastAndClip: FeatureClips = { kind: 'features', channels: 2304 + 512 };
/** I3D of pictures and of optical flow. */
const i3d: FeatureClips = { kind: 'features', channels: 2048, parts: 2 };

const qvhighlights: GroundingConfig = {
  ...{ clips: slowFastAndClip, longest: 75, text: clip, network: cgDetr, wholeClips: true },
};

const withDummies = (dummies: number, keptPrompts: number): CgDetrConfig => ({
  ...cgDetr,
  interaction: { ...cgDetr.interaction, dummies, keptPrompts },
});

/** With so many codes, of which so many are retrieved. */
const withCodes = (codes: number, dummies: number, keptPrompts: number): CgDetrConfig => ({
  ...masra,
  interaction: { ...masra.interaction, codes, dummies, keptPrompts },
});

/** The parts of MASRA that inference has. */
const { semanticAlignment: _, ...inferenceParts } = masra.masra;

/** The domain of a video is its text. */
const domain: TextConfig = { kind: 'words', channels: 100, longest: 4 };

const hapt: Omit<GroundingConfig, 'network'> = {
  clips: {
    ...smartphoneClips,
    context: [1, 2, 4, 8],
  },
  longest: 64,
  text: { kind: 'words', channels: 100, longest: 16 },
};
const haptSizes = {
  ...{ width: 64, heads: 4, intermediate: 128, inputDropout: 0.1, encoderLayers: 2 },
  decoder: { kind: 'spans', layers: 3, queries: 6 },
} as const;

/** Models by the names of their recipes. What was published without a limit of clips is seen in windows (ours). */
export const groundingConfigs = {
  /** QVHighlights, clips of 2 s. */
  'cg-detr': qvhighlights,
  'qd-detr': { ...qvhighlights, network: cgDetrConfigs['qd-detr'] },
  'moment-detr': { ...qvhighlights, network: cgDetrConfigs['moment-detr'] },
  /** Clips of 1 s. */
  'cg-detr-charades-sta': { ...qvhighlights, longest: 100, network: withDummies(45, 2) },
  /** VGG features of 1/6 s, GloVe words. */
  'cg-detr-charades-sta-vgg': {
    clips: { kind: 'features', channels: 4096, parts: 1 },
    longest: 360,
    text: { kind: 'words', channels: 300, longest: 32 },
    network: { ...withDummies(45, 2), dropout: 0.2 },
  },
  /** Clips of 2 s. */
  'cg-detr-tacos': { ...qvhighlights, longest: 400, network: withDummies(50, 2) },
  /** Clips of 2 s, the title of the video as its text. */
  'cg-detr-tvsum': { clips: i3d, longest: 330, text: clip, network: withDummies(3, 1) },
  /** Clips of about 100 frames, the domain of the video as its text (ours). */
  'cg-detr-youtube-highlights': {
    clips: i3d,
    longest: 480,
    text: domain,
    network: withDummies(1, 1),
  },
  /** Recordings of a smartphone's six channels at 50 Hz, 64 clips of 1.5 s (ours). */
  'cg-detr-hapt': { ...hapt, network: { ...withDummies(8, 1), ...haptSizes } },
  /** QVHighlights; events embedded by CLIP. */
  masra: { ...qvhighlights, network: masra },
  'masra-charades-sta': { ...qvhighlights, longest: 100, network: withCodes(masra.interaction.codes, 50, 2) },
  'masra-tacos': { ...qvhighlights, longest: 400, network: withCodes(masra.interaction.codes, 50, 2) },
  /** With as many dummies as CG-DETR has there, of small codebooks (ours, as all that follows). Nothing tells of its events. */
  'masra-tvsum': {
    ...{ clips: i3d, longest: 330, text: clip },
    network: { ...withCodes(64, 3, 1), masra: inferenceParts },
  },
  'masra-youtube-highlights': {
    ...{ clips: i3d, longest: 480, text: domain },
    network: { ...withCodes(64, 1, 1), masra: inferenceParts },
  },
  /** Events embedded by the mean of their words. */
  'masra-hapt': {
    ...hapt,
    network: {
      ...{ ...withCodes(128, 8, 1), ...haptSizes },
      masra: { ...masra.masra, semanticAlignment: { channels: 100 } },
    },
  },
} as const satisfies Record<string, GroundingConfig>;
