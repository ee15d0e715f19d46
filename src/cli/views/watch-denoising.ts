import { openVideo } from '../../data/video/video.js';
import { OptionError } from '../../errors.js';
import { writeExamples } from '../../models/map-diffusion/examples.js';
import { framesWanted, videoOf } from '../../models/map-diffusion/frame-clips.js';
import type { LoadedMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { rankMoments } from '../../models/map-diffusion/ranking.js';
import { MomentSampler } from '../../models/map-diffusion/sampler.js';
import { mergeMaps } from '../../ops/iou-map/merge-maps.js';
import { Random } from '../../ops/random/random.js';
import type { ScoredSegment } from '../../time/segment.js';
import { Progress } from './progress.js';

/** A video file as a model sees it, and a few of its frames to look at. */
export interface WatchedVideo {
  readonly seconds: number;
  readonly input: ReturnType<typeof videoOf>;
  readonly frames: readonly Uint8Array[];
  readonly frameShape: { readonly width: number; readonly height: number; readonly channels: 3 };
}

const shownFrames = 12;

/** Decodes a video for the model, and some frames of it for people. */
export async function watchVideo({ model }: LoadedMapDiffusion, path: string): Promise<WatchedVideo> {
  const { shape, rate } = framesWanted(model.config);
  const video = await openVideo(path);
  try {
    const parts: Uint8Array[] = [];
    for await (const frame of video.frames(shape, rate)) parts.push(frame.pixels);
    const all = new Uint8Array(parts.length * shape.width * shape.height * shape.channels);
    parts.forEach((part, i) => {
      all.set(part, i * part.length);
    });
    const height = 96;
    const frameShape = {
      width: Math.round((height * video.width) / video.height),
      height,
      channels: 3,
    } as const;
    const frames: Uint8Array[] = [];
    for await (const frame of video.frames(frameShape, shownFrames / video.duration))
      frames.push(frame.pixels);
    return {
      seconds: video.duration,
      input: videoOf(model.config, all, video.duration),
      frames: frames.slice(0, shownFrames),
      frameShape,
    };
  } finally {
    await video.close();
  }
}

/** The map after a step, (N, N) as `mergeMaps` gives it. */
export interface MapAtStep {
  readonly label: string;
  readonly values: Float32Array;
}

/** What was found for a query, and how the map came about. */
export interface Denoised {
  readonly moments: readonly ScoredSegment[];
  readonly maps: readonly MapAtStep[];
}

/**
 * Samples the map of a query with a progress display, keeping it at some steps.
 * @throws OptionError where no word of the query has a vector
 */
export async function watchDenoising(
  { model, words }: LoadedMapDiffusion,
  { input }: WatchedVideo,
  query: string,
  { steps, shown, seed }: { readonly steps: number; readonly shown: number; readonly seed: number },
): Promise<Denoised> {
  const { runtime, config } = model;
  const sentence = words.embed(query);
  if (sentence.words.length === sentence.unknown.length) {
    throw new OptionError(`the model knows no word of "${query}"`);
  }
  if (sentence.unknown.length > 0) console.error(`words without a vector: ${sentence.unknown.join(', ')}`);
  using sampler = await MomentSampler.create(model, { videos: 1, words: sentence.words.length, steps });
  writeExamples(config, [{ ...input, queries: [{ words: sentence.vectors, spans: [] }] }], sampler.inputs);
  using random = new Random(runtime, seed);
  using noise = random.normal(sampler.mapShape);
  const { lengths } = sampler.inputs;
  const progress = new Progress(steps, 'denoising steps');
  const kept = [{ label: 'noise', map: mergeMaps(noise, { ...config.layout, lengths }) }];
  // Closer together towards the end: most of the way the map is nearly all noise.
  const wanted = new Set(
    Array.from({ length: shown }, (_, i) => Math.round(steps * (1 - (1 - (i + 1) / shown) ** 2)) - 1),
  );
  const maps = sampler.run(noise, {
    afterStep: (step, state) => {
      if (wanted.has(step)) {
        kept.push({
          label: `after ${step + 1} of ${steps} steps`,
          map: mergeMaps(state, { ...config.layout, lengths }),
        });
      }
      progress.update(step + 1);
    },
  });
  const { unit, duration } = input;
  const [moments] = await rankMoments(maps, lengths, config.layout, unit, { durations: [duration] });
  progress.stop();
  const values = await Promise.all(kept.map(({ map }) => map.read()));
  for (const { map } of kept) map.dispose();
  return {
    moments: moments!,
    maps: kept.map(({ label }, i) => ({ label, values: values[i] as Float32Array })),
  };
}
