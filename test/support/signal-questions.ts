import type { MomentQuery } from '../../src/data/annotations/moment-queries.js';
import type { Recording, Recordings } from '../../src/data/formats/recordings.js';
import { HostRandom } from '../../src/data/host-random.js';
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

/** Recordings in which one of two channels is loud for a while, and questions when that is; the last one is shorter. */
export function loudMoments(): { recordings: Recordings; queries: MomentQuery[] } {
  const spans = [
    [1, 3],
    [4, 8],
    [2, 7],
    [0, 4],
  ] as const;
  const lengths = [duration, duration, duration, 6];
  const all = spans.map(([start, end], i): Recording => {
    const random = new HostRandom(7, i);
    const samples = Float32Array.from({ length: 2 * lengths[i]! * rate }, (_, at) => {
      const seconds = Math.floor(at / 2) / rate;
      const loud = at % 2 === i % 2 && seconds >= start && seconds < end;
      return (loud ? 2 : 0.1) * random.normal();
    });
    return {
      name: `recording ${i}`,
      split: 'train',
      duration: lengths[i]!,
      segments: [{ label: 'LOUD', segment: [start, end] }],
      signal: (from, to) => samples.slice(2 * Math.round(from * rate), 2 * Math.round(to * rate)),
    };
  });
  return {
    recordings: {
      rate,
      channels: ['left', 'right'],
      classes: ['LOUD', 'QUIET'],
      byName: new Map(all.map((recording) => [recording.name, recording])),
    },
    queries: all.map(({ name, duration }, i) => ({
      qid: i,
      vid: name,
      excerpt: [0, duration],
      duration,
      query: i % 2 === 0 ? 'when is left loud' : 'the right one is loud: when',
      kind: '',
      windows: [spans[i]!],
    })),
  };
}
