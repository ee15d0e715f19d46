import { narrow } from '../../ops/array/slice.js';
import { softmax } from '../../ops/array/softmax.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ScoredSegment } from '../../time/segment.js';
import type { GroundingOperands } from './cg-detr/operands.js';
import type { GroundingNetwork } from './grounding-network.js';

/** What a network says of a video. */
export interface GroundedVideo {
  /** The queries' spans, centre and width as parts of the clips, with the probability that each is a moment. */
  readonly spans: readonly { readonly centre: number; readonly width: number; readonly score: number }[];
  /** For each clip how well it shows what the text is about. */
  readonly saliency: readonly number[];
}

/**
 * What a network finds in each video of a batch, by the last layer of its decoder. Recorded at once, read later.
 * @param clips how many each video has
 */
export async function ground(
  network: GroundingNetwork,
  operands: GroundingOperands,
  clips: readonly number[],
): Promise<GroundedVideo[]> {
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
  const { longest } = network.config;
  return clips.map((count, b) => ({
    spans: Array.from({ length: queries }, (_, q) => {
      const at = 2 * (b * queries + q);
      return { centre: spans[at]!, width: spans[at + 1]!, score: scores[at]! };
    }),
    saliency: Array.from(saliency.subarray(b * longest, b * longest + count)),
  }));
}

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

/**
 * Spans in seconds, cut to the window, best first, as CG-DETR ranks them: by the probability of a moment, without suppression. What has no length is left out.
 */
export function momentsOf(
  { spans }: GroundedVideo,
  { clips, unit, duration, wholeClips }: MomentTiming,
): ScoredSegment[] {
  const seconds = (share: number) => {
    const bounded = Math.min(duration, Math.max(0, share * clips * unit));
    return wholeClips ? Math.min(duration, unit * Math.round(bounded / unit)) : bounded;
  };
  return spans
    .map(({ centre, width, score }): ScoredSegment => {
      return { score, segment: [seconds(centre - width / 2), seconds(centre + width / 2)] };
    })
    .filter(({ segment: [start, end] }) => start < end)
    .sort((a, b) => b.score - a.score);
}
