import {
  checkFields,
  epsilon,
  integer,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { type WeightStorage, weightStorages } from '../../../nn/weight-storage.js';

/** A vision Transformer over square pictures, after SigLIP 2. */
export interface VisionConfig {
  /** Side of a picture in pixels. */
  readonly imageSize: number;
  /** Side of a patch; pixels beyond the last whole patch are not looked at. */
  readonly patch: number;
  readonly width: number;
  /** How many layers are run. */
  readonly layers: number;
  /** How many more layers a checkpoint may hold, which are not run. */
  readonly unusedLayers: number;
  readonly heads: number;
  /** Width of the feed-forward networks. */
  readonly intermediate: number;
  /** Of the layer norms. */
  readonly epsilon: number;
}

/** The two linear layers that bring a patch's feature to the width of the language model. */
export interface ProjectorConfig {
  /** Width of the language model. */
  readonly hidden: number;
}

/** All that turns frames into visual tokens. */
export interface VisualConfig {
  readonly vision: VisionConfig;
  readonly projector: ProjectorConfig;
  readonly pooling: {
    /** By how much each side of the grid of a frame's tokens is divided, rounded up. */
    readonly stride: number;
  };
}

export const visionRule: Rule<VisionConfig> = onlyFields<VisionConfig>({
  imageSize: integer(1),
  patch: integer(1),
  width: integer(1),
  layers: integer(1),
  unusedLayers: integer(0),
  heads: integer(1),
  intermediate: integer(1),
  epsilon,
});

export const visualRules: Rules<VisualConfig> = {
  vision: visionRule,
  projector: onlyFields<VisualConfig['projector']>({ hidden: integer(1) }),
  pooling: onlyFields<VisualConfig['pooling']>({ stride: integer(1) }),
};

/** Configurations by name. */
export const visualConfigs = {
  /** LLaDA-V: SigLIP 2 so400m without its last layer, 14 x 14 tokens a frame and as wide as LLaDA 8B. */
  'siglip2-so400m-patch14-384': {
    vision: {
      imageSize: 384,
      patch: 14,
      width: 1152,
      layers: 26,
      unusedLayers: 1,
      heads: 16,
      intermediate: 4304,
      epsilon: 1e-6,
    },
    projector: { hidden: 4096 },
    pooling: { stride: 2 },
  },
  /** The same with the same size of heads, to be computed anywhere (ours). */
  tiny: {
    vision: {
      imageSize: 22,
      patch: 4,
      width: 144,
      layers: 2,
      unusedLayers: 1,
      heads: 2,
      intermediate: 100,
      epsilon: 1e-6,
    },
    projector: { hidden: 48 },
    pooling: { stride: 2 },
  },
} as const satisfies Record<string, VisualConfig>;

export type VisualName = keyof typeof visualConfigs;

/** How a vision encoder is made. */
export interface VisualOptions {
  /** How the matrices of the linear layers are stored (`visualStorage`). Default f32. */
  readonly weights?: WeightStorage;
}

export const visualOptionRules: Rules<VisualOptions> = { weights: optional(oneOf(...weightStorages)) };

/**
 * How a vision encoder stores its matrices where the model is stored in this way: in 8 bits at least, for it is a twentieth of
 * the weights, and nothing after it can make up for what it loses (ours).
 */
export function visualStorage(weights: WeightStorage): WeightStorage {
  return weights === 'int4' ? 'int8' : weights;
}

/** Patches along a side of a picture. */
export function patchesAcross({ imageSize, patch }: VisionConfig): number {
  return Math.floor(imageSize / patch);
}

/** Pooled tokens along a side of a frame. */
export function tokensAcross({ vision, pooling }: VisualConfig): number {
  return Math.ceil(patchesAcross(vision) / pooling.stride);
}

/** Tokens of a frame: the pooled ones, and one at the end of each row. @throws OptionError */
export function tokensPerFrame(config: VisualConfig): number {
  checkVisualConfig(config);
  const side = tokensAcross(config);
  return side * (side + 1);
}

/** The widest layer of frames that are looked at together takes no more: enough of them for any GPU are less. */
const widestBytes = 2 ** 26;

/** Frames that are looked at together on a device that can bind so many bytes. */
export function framesAtOnce({ vision, projector }: VisualConfig, bindingBytes: number): number {
  const bytes = 4 * patchesAcross(vision) ** 2 * Math.max(vision.intermediate, projector.hidden);
  return Math.max(1, Math.floor(Math.min(widestBytes, bindingBytes) / bytes));
}

/**
 * A configuration, such as one from a file, every field checked.
 * @throws OptionError that names the field
 */
export function checkVisualConfig(value: unknown): VisualConfig {
  checkFields<VisualConfig>('checkVisualConfig', value, visualRules, 'field');
  const { patch, imageSize, width, heads } = value.vision;
  if (patch > imageSize) {
    throw new OptionError(
      `checkVisualConfig: vision.patch must be at most vision.imageSize, ${imageSize}, not ${patch}`,
    );
  }
  if (width % heads !== 0) {
    throw new OptionError(
      `checkVisualConfig: vision.heads must divide vision.width, ${width}, not be ${heads}`,
    );
  }
  return value;
}
