import {
  checkFields,
  flag,
  integer,
  objectBy,
  oneOf,
  onlyFields,
  optional,
  pairOf,
  positive,
  type Rule,
  type Rules,
  rule,
} from '../../arguments.js';
import { actionNames } from '../../data/world/actions.js';
import { type BetaSchedule, scheduleRule } from '../../diffusion/schedule.js';
import { OptionError } from '../../errors.js';
import type { MapLayout } from '../../ops/iou-map/map-layout.js';
import {
  type ConvStage,
  convolutionRules,
  type SignalConfig,
  signalRule,
  smartphoneClips,
  totalStride,
} from '../common/signal-config.js';
import type { RecognitionConfig } from './recognition.js';

/** How a clip of the video becomes a vector. */
export type ClipConfig =
  /** Features of a network that is not trained along (a 3D CNN). */
  | FeaturesConfig
  /** A signal of several channels, through convolutions that are trained along (ours). */
  | SignalConfig
  /** Frames of a video, through convolutions that are trained along (ours). */
  | FramesConfig;

export interface FeaturesConfig {
  readonly kind: 'features';
  readonly channels: number;
  /** Rows that are pooled to a clip by an average (MS-2D-TAN). */
  readonly pool: number;
  /**
   * Which rows of a video are seen: `window` (default), N · pool rows in succession, longer videos in several windows; or
   * `bins`, the middle rows of N · pool bins over the whole video, so that a clip is duration / N seconds long (MS-2D-TAN on
   * ActivityNet).
   */
  readonly sampling?: 'window' | 'bins';
  /** Whether each row is divided by its Euclidean norm, as MS-2D-TAN does; default false. */
  readonly normalize?: boolean;
  /**
   * Seconds from row to row of the features that the model is meant for. Other features are read too, with a warning.
   * Default: any. Not with `bins`.
   */
  readonly stride?: number;
}

export interface FramesConfig {
  readonly kind: 'frames';
  /** Numbers of a pixel. */
  readonly channels: number;
  /** Rows and columns of a frame; the strides of the stages divide them. */
  readonly size: readonly [number, number];
  /** Frames of a clip, which a linear layer joins. */
  readonly frames: number;
  /** Channels of a clip and of its temporal context. */
  readonly width: number;
  readonly stages: readonly ConvStage[];
  readonly context: readonly number[];
}

export interface DecoderConfig {
  /** The paper's base architecture; `convolution` is its default. */
  readonly architecture: 'convolution' | 'transformer';
  /**
   * How the fused features enter: beside the state (the paper's choice), multiplied with it (convolution only), or as
   * further keys of the attention (Transformer only).
   */
  readonly condition: 'concatenation' | 'multiplication' | 'cross-attention';
  /**
   * What is a sequence to the Transformer: the cells of each scale, with weights of their own (`scale`, default), or those of
   * all scales (`all-scales`; "single-scale" in the paper's table 3).
   */
  readonly sequence?: 'scale' | 'all-scales';
  /** d_H: channels that the state is embedded in. */
  readonly embedding: number;
  /** Channels of the layers; those of the Transformer are d_H, or d_H + d_F with concatenation. */
  readonly hidden: number;
  /** L. */
  readonly layers: number;
  /** Side of the gated convolutions; odd. */
  readonly kernel: number;
  /** Of the GroupNorm of stylization. */
  readonly groups: number;
  /** Heads of the Transformer's attention. */
  readonly heads: number;
  readonly stylization: {
    /**
     * Where the first block is: on the state with the features beside it (the paper), on the embedded state alone
     * (ours: then the features' share of the first convolution is the same in every step), or nowhere.
     */
    readonly input: 'fused' | 'state' | 'none';
    /** After each layer. */
    readonly layers: boolean;
  };
}

export interface MapDiffusionConfig {
  /** The maps: N clips, K scales, A durations. */
  readonly layout: MapLayout;
  readonly clips: ClipConfig;
  readonly words: {
    /** Size of a word vector. */
    readonly size: number;
    /** Units of each direction of the LSTM. */
    readonly hidden: number;
    readonly layers: number;
    /** Whether the LSTM stops at the end of a sentence; the released MS-2D-TAN reads on over the padding. */
    readonly packed: boolean;
  };
  /** d_F: channels of clips, maps and fused features. */
  readonly hidden: number;
  /** Whether each clip also has a learned vector of its position (ours). */
  readonly positions: boolean;
  /** What makes scores of the fused features: the diffusion decoder, or the single pass of MS-2D-TAN. */
  readonly head: 'diffusion' | 'single-pass';
  /**
   * In training, each clip's feature is also to tell what kind of action it shows (ours). It stands for the paper's
   * features, whose network was trained to recognize actions: learned from moments alone, they come very late.
   */
  readonly recognition?: RecognitionConfig;
  readonly decoder: DecoderConfig;
  readonly diffusion: { readonly times: number; readonly schedule: BetaSchedule };
  readonly loss: {
    readonly kind: 'mse' | 'bce';
    /** Overlaps below this count as 0, those above are rescaled to [0, 1] (MS-2D-TAN: 0.5); 0 leaves them. */
    readonly rescaleFrom: number;
  };
}

const paperDecoder: DecoderConfig = {
  architecture: 'convolution',
  condition: 'concatenation',
  embedding: 256,
  hidden: 512,
  layers: 2,
  kernel: 17,
  groups: 32,
  heads: 8,
  stylization: { input: 'fused', layers: true },
};

/** Features as MS-2D-TAN takes them: rows of length 1. */
const features = (
  channels: number,
  rows: Pick<FeaturesConfig, 'sampling' | 'stride'> & Partial<Pick<FeaturesConfig, 'pool'>>,
): FeaturesConfig => ({ kind: 'features', channels, pool: 1, normalize: true, ...rows });

const charades: MapDiffusionConfig = {
  layout: { clips: 64, scales: 3, durations: 16 },
  clips: features(1024, { stride: 0.64 }),
  words: { size: 300, hidden: 256, layers: 3, packed: false },
  hidden: 512,
  positions: false,
  head: 'diffusion',
  decoder: paperDecoder,
  diffusion: { times: 1000, schedule: 'linear' },
  loss: { kind: 'mse', rescaleFrom: 0 },
};

/** Charades-STA with VGG features: 256 rows of 1/6 s, pooled by 4. */
const charadesVgg = { ...charades, clips: features(4096, { pool: 4, stride: 1 / 6 }) };

/** TACoS with C3D features of 1 s, the large model. */
const tacos = {
  ...charades,
  layout: { clips: 512, scales: 5, durations: 8 },
  clips: features(4096, { stride: 1 }),
  decoder: { ...paperDecoder, kernel: 9 },
};

/** ActivityNet Captions with C3D features, the middle rows of 64 bins. */
const activitynet = { ...charades, clips: features(4096, { sampling: 'bins' }) };

const singlePass = { head: 'single-pass', loss: { kind: 'bce', rescaleFrom: 0.5 } } as const;

/**
 * Configurations by name. What the paper leaves open (width of the embedding, layers, kernel, groups, times, schedule)
 * is ours, or MS-2D-TAN's where it has the same part.
 */
export const mapDiffusionConfigs = {
  /** Charades-STA with I3D features of 0.64 s (the paper's first data set). */
  'charades-sta': charades,
  /** Charades-STA with VGG features, in the clips of MS-2D-TAN (the diffusion on them is ours). */
  'charades-sta-vgg': charadesVgg,
  /** Charades-STA with C3D features (ours: MS-2D-TAN published numbers of them, and no configuration). */
  'charades-sta-c3d': { ...charades, clips: features(4096, {}) },
  /** DiDeMo: 6 segments of 5 s, VGG features (the paper's second data set). */
  didemo: {
    ...charades,
    layout: { clips: 6, scales: 1, durations: 6 },
    clips: features(4096, { stride: 5 }),
    decoder: { ...paperDecoder, kernel: 5 },
  },
  /** TACoS with C3D features, in the clips and kernels of MS-2D-TAN's large model (the diffusion on them is ours). */
  tacos,
  /** ActivityNet Captions with C3D features, in the clips of MS-2D-TAN (the diffusion on them is ours). */
  activitynet,
  /** MS-2D-TAN as released for Charades-STA with I3D features. */
  'ms-2d-tan-charades-i3d': { ...charades, ...singlePass },
  /** MS-2D-TAN as released for Charades-STA with VGG features. */
  'ms-2d-tan-charades-vgg': { ...charadesVgg, ...singlePass },
  /** MS-2D-TAN as released for ActivityNet Captions with C3D features. */
  'ms-2d-tan-activitynet-c3d': { ...activitynet, ...singlePass },
  /** MS-2D-TAN as released for TACoS with VGG features: 384 rows of 1/6 s, pooled by 6. */
  'ms-2d-tan-tacos-vgg': { ...charades, ...singlePass, clips: features(4096, { pool: 6, stride: 1 / 6 }) },
  /** MS-2D-TAN as released for TACoS with C3D features of 1 s, the large one. */
  'ms-2d-tan-tacos': { ...tacos, ...singlePass },
  /** QVHighlights with SlowFast and CLIP features of 2 s, whose parts have length 1 already (ours). */
  qvhighlights: {
    ...charades,
    layout: { clips: 76, scales: 3, durations: 16 },
    clips: { ...features(2816, { stride: 2 }), normalize: false },
  },
  /** THUMOS-14 with two-stream I3D features of 16 frames, asked for by the names of classes (ours). */
  thumos14: { ...charades, clips: features(2048, {}) },
  /** YouTube Highlights with two-stream I3D features of about 50 frames, asked for by the names of classes (ours). */
  'youtube-highlights': { ...charades, clips: features(2048, {}) },
  /** Recordings of a smartphone's six channels at 50 Hz, 64 clips of 1.5 s (ours): trains in an hour on two cores. */
  hapt: {
    layout: { clips: 64, scales: 3, durations: 8 },
    clips: {
      ...smartphoneClips,
      // The last sees the whole window from anywhere: ordinals are counted.
      context: [1, 2, 4, 8, 16, 32],
    },
    words: { size: 100, hidden: 64, layers: 1, packed: true },
    hidden: 32,
    positions: true,
    head: 'diffusion',
    recognition: { classes: 12, weight: 0.1 },
    decoder: {
      architecture: 'convolution',
      condition: 'concatenation',
      embedding: 8,
      hidden: 32,
      layers: 2,
      kernel: 5,
      groups: 4,
      heads: 4,
      stylization: { input: 'state', layers: true },
    },
    diffusion: { times: 1000, schedule: 'linear' },
    loss: { kind: 'mse', rescaleFrom: 0 },
  },
  /** Videos of the built-in world: 40 clips of a second, 2 frames of 32 x 32 pixels each, see `pixelsOf` (ours). */
  world: {
    layout: { clips: 40, scales: 2, durations: 8 },
    clips: {
      kind: 'frames',
      channels: 2,
      size: [32, 32],
      frames: 2,
      width: 96,
      stages: [
        { channels: 16, kernel: 6, stride: 4 },
        { channels: 32, kernel: 3, stride: 2 },
      ],
      context: [1, 2, 4, 8, 16],
    },
    words: { size: 100, hidden: 64, layers: 1, packed: true },
    hidden: 32,
    positions: true,
    head: 'diffusion',
    recognition: { classes: actionNames.length, weight: 0.1 },
    decoder: {
      architecture: 'convolution',
      condition: 'concatenation',
      embedding: 8,
      hidden: 32,
      layers: 2,
      kernel: 5,
      groups: 4,
      heads: 4,
      stylization: { input: 'state', layers: true },
    },
    diffusion: { times: 1000, schedule: 'linear' },
    loss: { kind: 'mse', rescaleFrom: 0 },
  },
} as const satisfies Record<string, MapDiffusionConfig>;

export type MapDiffusionName = keyof typeof mapDiffusionConfigs;

const size = integer(1);
/** Sizes of maps, which kernels keep in 16 bits. */
const side = integer(1, 0xffff);

const clipsRule = objectBy<'kind', ClipConfig>('kind', {
  features: onlyFields<FeaturesConfig>({
    kind: oneOf('features'),
    channels: size,
    pool: size,
    sampling: optional(oneOf('window', 'bins')),
    normalize: optional(flag),
    stride: optional(positive),
  }),
  signal: signalRule,
  frames: onlyFields<FramesConfig>({
    kind: oneOf('frames'),
    ...convolutionRules,
    size: pairOf(size),
    frames: size,
    width: size,
  }),
});

export const recognitionRule: Rule<RecognitionConfig> = onlyFields<RecognitionConfig>({
  classes: integer(2),
  weight: positive,
});

export const configRules: Rules<MapDiffusionConfig> = {
  layout: onlyFields<MapLayout>({ clips: side, scales: side, durations: side }),
  clips: clipsRule,
  words: onlyFields<MapDiffusionConfig['words']>({ size, hidden: size, layers: size, packed: flag }),
  hidden: size,
  positions: flag,
  head: oneOf('diffusion', 'single-pass'),
  recognition: optional(recognitionRule),
  decoder: onlyFields<DecoderConfig>({
    architecture: oneOf('convolution', 'transformer'),
    condition: oneOf('concatenation', 'multiplication', 'cross-attention'),
    sequence: optional(oneOf('scale', 'all-scales')),
    embedding: size,
    hidden: size,
    layers: size,
    kernel: size,
    groups: size,
    heads: size,
    stylization: onlyFields<DecoderConfig['stylization']>({
      input: oneOf('fused', 'state', 'none'),
      layers: flag,
    }),
  }),
  diffusion: onlyFields<MapDiffusionConfig['diffusion']>({ times: size, schedule: scheduleRule }),
  loss: onlyFields<MapDiffusionConfig['loss']>({
    kind: oneOf('mse', 'bce'),
    rescaleFrom: rule(
      'a number of at least 0 and below 1',
      (value) => typeof value === 'number' && value >= 0 && value < 1,
    ),
  }),
};

/**
 * A configuration, such as one from a file, every field checked.
 * @throws OptionError that names the field
 */
export function checkConfig(value: unknown): MapDiffusionConfig {
  checkFields<MapDiffusionConfig>('checkConfig', value, configRules, 'field');
  checkLayout(value.layout);
  checkClips(value.clips);
  checkDecoder(value.decoder);
  return value;
}

const refused = (message: string) => new OptionError(`checkConfig: ${message}`);

function checkLayout({ clips, scales, durations }: MapLayout): void {
  const coarsest = 2 ** (scales - 1);
  if (clips % coarsest !== 0) {
    throw refused(`layout.clips must be a multiple of ${coarsest} for ${scales} scales, not ${clips}`);
  }
  if (scales > 1 && durations % 2 !== 0) throw refused(`layout.durations must be even, not ${durations}`);
  const longest = durations * coarsest;
  if (longest > clips) {
    throw refused(`the longest moments of layout, of ${longest} clips, must fit into ${clips}`);
  }
}

function checkClips(clips: ClipConfig): void {
  if (clips.kind === 'features') {
    if (clips.sampling === 'bins' && clips.stride !== undefined) {
      throw refused('clips.stride has no meaning with clips.sampling bins, which has one for each video');
    }
    return;
  }
  clips.stages.forEach(({ kernel, stride }, i) => {
    if (kernel < stride) throw refused(`clips.stages[${i}] skips samples: kernel must be at least stride`);
    if (stride === 1 && kernel % 2 === 0) {
      throw refused(`clips.stages[${i}].kernel must be odd where the stride is 1, not ${kernel}`);
    }
  });
  if (clips.kind !== 'frames') return;
  const factor = totalStride(clips.stages);
  if (!clips.size.every((length) => length % factor === 0)) {
    throw refused(`clips.size must be two multiples of ${factor}, not ${JSON.stringify(clips.size)}`);
  }
}

function checkDecoder({ architecture, condition, sequence, kernel }: DecoderConfig): void {
  const other = architecture === 'convolution' ? 'cross-attention' : 'multiplication';
  if (condition === other) {
    throw refused(`decoder.condition of a ${architecture} must not be ${other}`);
  }
  if (sequence === 'all-scales' && architecture !== 'transformer') {
    throw refused('decoder.sequence all-scales needs a transformer: convolutions see one scale at a time');
  }
  if (kernel % 2 === 0) throw refused(`decoder.kernel must be odd, not ${kernel}`);
}
