import { HostRandom } from '../../src/data/host-random.js';
import type { AskedWindow } from '../../src/models/map-diffusion/asked-windows.js';
import type { SignalMdvlmConfig } from '../../src/models/mdvlm/signal/signal-config.js';

/** A model that a test trains in seconds: 8 clips of 10 samples of two channels. */
export const smallMdvlm: SignalMdvlmConfig = {
  encoder: {
    count: 8,
    clips: {
      kind: 'signal',
      channels: 2,
      stages: [{ channels: 12, kernel: 10, stride: 10 }],
      context: [1],
    },
    hidden: 16,
    recognition: { classes: 2, weight: 0.1 },
  },
  language: {
    hidden: 32,
    layers: 2,
    heads: 2,
    keyHeads: 2,
    headSize: 16,
    intermediate: 64,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    tied: true,
  },
  order: 'diffusion',
  times: 9,
  question: 7,
};

/** Seconds of a recording; ten samples each. */
const duration = 8;
const rate = 10;

/** Signals of which one of two channels is loud for a while, and questions when that is; the last one is shorter. */
export function loudMoments(): { asked: readonly AskedWindow[]; classes: readonly string[] } {
  const spans = [
    [1, 3],
    [4, 8],
    [2, 7],
    [0, 4],
  ] as const;
  const lengths = [duration, duration, duration, 6];
  const asked = spans.map((span, i): AskedWindow => {
    const random = new HostRandom(7, i);
    const [start, end] = span;
    const samples = Float32Array.from({ length: 2 * lengths[i]! * rate }, (_, at) => {
      const seconds = Math.floor(at / 2) / rate;
      const loud = at % 2 === i % 2 && seconds >= start && seconds < end;
      return (loud ? 2 : 0.1) * random.normal();
    });
    const signal = {
      ...{ rate, channels: ['left', 'right'], duration: lengths[i]! },
      read: (from: number, to: number) =>
        samples.slice(2 * Math.round(from * rate), 2 * Math.round(to * rate)),
    };
    return {
      video: {
        duration: lengths[i]!,
        annotations: { segments: [{ label: 'LOUD', segment: span }] },
        signal: async () => signal,
      },
      window: [0, lengths[i]!],
      sentences: [
        { text: i % 2 === 0 ? 'when is left loud' : 'the right one is loud: when', windows: [span] },
      ],
    };
  });
  return { asked, classes: ['LOUD', 'QUIET'] };
}

/** The sentences of `loudMoments`. */
export const loudSentences = (asked: readonly AskedWindow[]): string[] =>
  asked.flatMap(({ sentences }) => sentences.map(({ text }) => text));
