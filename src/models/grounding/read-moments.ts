import {
  checkArgument,
  checkFields,
  flag,
  instanceOf,
  integer,
  listOf,
  number,
  objectWith,
  positive,
  type Rule,
  type Rules,
} from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { narrow } from '../../ops/array/slice.js';
import { softmax } from '../../ops/array/softmax.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ScoredSegment } from '../../time/segment.js';
import { type GroundingOperands, groundingOperandRules } from './cg-detr/operands.js';
import { GroundingNetwork } from './grounding-network.js';

/** What a network says of a video. */
export interface GroundedVideo {
  /** The queries' spans, centre and width as parts of the clips, with the probability that each is a moment. */
  readonly spans: readonly { readonly centre: number; readonly width: number; readonly score: number }[];
  /** For each clip how well it shows what the text is about. */
  readonly saliency: readonly number[];
}

/**
 * What a network finds in each video of a batch, by the last layer of its decoder. Recorded at once, read later.
 * @param operands of B videos, padded to the T clips of the configuration
 * @param clips how many each of the B videos has
 * @throws OptionError, ShapeError, DtypeError
 */
export async function ground(
  network: GroundingNetwork,
  operands: GroundingOperands,
  clips: readonly number[],
): Promise<GroundedVideo[]> {
  checkArgument('ground', 'network', network, instanceOf(GroundingNetwork, 'a GroundingNetwork'));
  checkFields('ground', operands, groundingOperandRules, 'operand');
  const [batch = 0] = operands.videoMask.shape;
  const { longest } = network.config;
  checkArgument('ground', 'clips', clips, listOf(integer(1, longest)));
  if (clips.length > batch)
    throw new OptionError(`ground: clips is of ${clips.length} videos, the operands are of ${batch}`);
  const { runtime } = network;
  const { queries, layers } = network.config.network.decoder;
  const reads = runtime.scope(() => {
    const { spans, logits, saliency } = network.forward(operands);
    const last = (x: Tensor) => narrow(x, 0, layers - 1, 1);
    return [last(spans), softmax(last(logits)), saliency].map((x) => x.read());
  });
  const [spans, scores, saliency] = (await Promise.all(reads)) as Float32Array[] as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return clips.map((count, b) => ({
    spans: Array.from({ length: queries }, (_, q) => {
      const at = 2 * (b * queries + q);
      return { centre: spans[at]!, width: spans[at + 1]!, score: scores[at]! };
    }),
    saliency: Array.from(saliency.subarray(b * longest, b * longest + count)),
  }));
}

const spanRule: Rule<GroundedVideo['spans'][number]> = objectWith<GroundedVideo['spans'][number]>({
  ...{ centre: number, width: number, score: number },
});

const videoRule: Rule<GroundedVideo> = objectWith<GroundedVideo>({
  spans: listOf(spanRule),
  saliency: listOf(number),
});

/** Where moments lie. */
export interface MomentTiming {
  readonly clips: number;
  /** Seconds of a clip. */
  readonly unit: number;
  /** Seconds of the window. */
  readonly duration: number;
  /** Whether moments begin and end where clips do. */
  readonly wholeClips: boolean;
}

const timingRules: Rules<MomentTiming> = {
  ...{ clips: integer(1), unit: positive, duration: positive, wholeClips: flag },
};

/**
 * Spans in seconds, cut to the window, best first, as CG-DETR ranks them: by the probability of a moment, without suppression. What has no length is left out.
 * @throws OptionError
 */
export function momentsOf(video: GroundedVideo, timing: MomentTiming): ScoredSegment[] {
  checkArgument('momentsOf', 'video', video, videoRule);
  checkFields('momentsOf', timing, timingRules, 'field');
  const { clips, unit, duration, wholeClips } = timing;
  const seconds = (share: number) => {
    const bounded = Math.min(duration, Math.max(0, share * clips * unit));
    return wholeClips ? Math.min(duration, unit * Math.round(bounded / unit)) : bounded;
  };
  return video.spans
    .map(({ centre, width, score }): ScoredSegment => {
      return { score, segment: [seconds(centre - width / 2), seconds(centre + width / 2)] };
    })
    .filter(({ segment: [start, end] }) => start < end)
    .sort((a, b) => b.score - a.score);
}
