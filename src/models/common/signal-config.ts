import {
  integer,
  listOf,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  someOf,
} from '../../arguments.js';

/** Clips of a signal by convolutions that are trained along (ours). */
export interface SignalConfig {
  readonly kind: 'signal';
  readonly channels: number;
  /** Samples a second of the signals that the model is made for: others are refused. Default: any. */
  readonly rate?: number;
  /** Samples of a clip: the product of the strides of the convolutions. */
  readonly stages: readonly ConvStage[];
  /** Temporal context: residual convolutions of 3 clips with these dilations. */
  readonly context: readonly number[];
}

export interface ConvStage {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
}

/** Length of the product of the strides: samples of a clip, or the factor that frames shrink by. */
export function totalStride(stages: readonly ConvStage[]): number {
  return stages.reduce((product, { stride }) => product * stride, 1);
}

const size = integer(1);

const stageRule: Rule<ConvStage> = onlyFields<ConvStage>({ channels: size, kernel: size, stride: size });

export const stagesRule = someOf(stageRule) as Rule<readonly ConvStage[]>;

/** The fields of all that is made by convolutions in stages. */
export const convolutionRules: Rules<Pick<SignalConfig, 'channels' | 'stages' | 'context'>> = {
  channels: size,
  stages: stagesRule,
  context: listOf(size),
};

export const signalRule: Rule<SignalConfig> = onlyFields<SignalConfig>({
  kind: oneOf('signal'),
  rate: optional(positive),
  ...convolutionRules,
});

/** Recordings of a smartphone's accelerometer and gyroscope at 50 Hz, clips of 1.5 s (ours). */
export const smartphoneClips: Omit<SignalConfig, 'context'> = {
  kind: 'signal',
  channels: 6,
  rate: 50,
  stages: [
    { channels: 32, kernel: 5, stride: 3 },
    { channels: 48, kernel: 5, stride: 5 },
    { channels: 64, kernel: 5, stride: 5 },
  ],
};
