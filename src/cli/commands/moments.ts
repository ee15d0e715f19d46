import { writeWhole } from '../../data/files/output-file.js';
import { aboveFalseQueries, type Calibration } from '../../evaluation/calibration.js';
import { loadMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { Runtime } from '../../tensor/runtime.js';
import type { ScoredSegment } from '../../time/segment.js';
import { checkOutputs } from '../shared/outputs.js';
import { renderMomentPage } from '../views/moment-page.js';
import { watchDenoising, watchVideo } from '../views/watch-denoising.js';

export interface MomentsOptions {
  readonly model: string;
  readonly video: string;
  readonly query: string;
  /** DDIM steps; those that the model is meant for where absent. */
  readonly steps?: number;
  readonly seed: number;
  readonly plot?: string;
  readonly json?: string;
}

/** `tal moments`: a video file and a sentence in, the moments that it speaks of out. */
export async function moments(options: MomentsOptions): Promise<void> {
  const { plot, json, query, video: path } = options;
  await checkOutputs({ '--plot': plot, '--json': json }, { '--video': path, '--model': options.model });
  const runtime = await Runtime.create();
  try {
    const loaded = await loadMapDiffusion(runtime, options.model);
    const { steps = loaded.file.steps, seed } = options;
    const { calibration } = loaded.file;
    const video = await watchVideo(loaded, path);
    const { moments: found, maps } = await watchDenoising(loaded, video, query, { steps, seed, shown: 5 });
    printMoments(found);
    const note = calibrationNote(calibration, found, steps);
    console.log(note);
    if (json !== undefined) {
      const above = found[0] && aboveFalseQueries(calibration, { score: found[0].score, steps });
      const file = {
        ...{ video: path, query, duration: video.seconds, steps, moments: found },
        calibration: calibration ? { ...calibration, above: above ?? null } : null,
      };
      await writeWhole(json, `${JSON.stringify(file, null, 2)}\n`);
      console.log(`moments written to ${json}`);
    }
    if (plot === undefined) return;
    const page = renderMomentPage({
      title: path,
      note,
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

/** What the best score says of whether the sentence is true at all. */
export function calibrationNote(
  calibration: Calibration | undefined,
  [best]: readonly ScoredSegment[],
  steps: number,
): string {
  if (!calibration) return 'no calibration: how high this model scores false sentences is not known';
  const { falseQuery95, trueAbove } = calibration;
  const level = `the score that 95 % of false sentences stay below (${falseQuery95.toFixed(3)})`;
  const above = aboveFalseQueries(calibration, { score: best?.score ?? -Infinity, steps });
  if (above === undefined) {
    return `not compared with ${level}: it was measured with --steps ${calibration.steps}, not ${steps}`;
  }
  const said = `above ${level}: ${above ? 'yes' : 'no'}`;
  return above ? said : `${said}; of true sentences, ${(100 * trueAbove).toFixed(0)} % are above it`;
}

export function printMoments(
  found: readonly { readonly segment: readonly [number, number]; readonly score: number }[],
): void {
  for (const [i, { segment, score }] of found.entries()) {
    const [start, end] = segment.map((seconds) => seconds.toFixed(2).padStart(6));
    console.log(`${i + 1}. ${start} - ${end} s   score ${score.toFixed(3)}`);
  }
}
