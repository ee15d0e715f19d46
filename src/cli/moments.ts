import { writeWhole } from '../data/output-file.js';
import { loadMapDiffusion } from '../models/map-diffusion/model-folder.js';
import { Runtime } from '../tensor/runtime.js';
import { renderMomentPage } from './moment-page.js';
import { checkOutputs } from './outputs.js';
import { watchDenoising, watchVideo } from './watch-denoising.js';

export interface MomentsOptions {
  readonly model: string;
  readonly video: string;
  readonly query: string;
  readonly steps: number;
  readonly seed: number;
  readonly plot?: string;
}

/** `tal moments`: a video file and a sentence in, the moments that it speaks of out. */
export async function moments(options: MomentsOptions): Promise<void> {
  const { plot, query, video: path } = options;
  await checkOutputs({ '--plot': plot }, { '--video': path, '--model': options.model });
  const runtime = await Runtime.create();
  try {
    const loaded = await loadMapDiffusion(runtime, options.model);
    const video = await watchVideo(loaded, path);
    const { moments: found, maps } = await watchDenoising(loaded, video, query, { ...options, shown: 5 });
    printMoments(found);
    if (plot === undefined) return;
    const page = renderMomentPage({
      title: path,
      duration: video.seconds,
      query,
      frames: video.frames,
      frameShape: video.frameShape,
      predictions: found,
      maps,
      clips: loaded.model.config.layout.clips,
      secondsPerClip: video.input.unit,
    });
    await writeWhole(plot, page);
    console.log(`page written to ${plot}`);
  } finally {
    runtime.destroy();
  }
}

export function printMoments(
  found: readonly { readonly segment: readonly [number, number]; readonly score: number }[],
): void {
  for (const [i, { segment, score }] of found.entries()) {
    const [start, end] = segment.map((seconds) => seconds.toFixed(2).padStart(6));
    console.log(`${i + 1}. ${start} - ${end} s   score ${score.toFixed(3)}`);
  }
}
