import type { MomentExamples } from '../../models/map-diffusion/examples.js';
import { localizeMoments } from '../../models/map-diffusion/localize.js';
import type { LoadedMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import type { ScoredSegment } from '../../time/segment.js';
import { Progress } from '../views/progress.js';

/** What every evaluation of a model may be told. */
export interface SamplingOptions {
  /** DDIM steps; those that the model is meant for where absent. */
  readonly steps?: number;
  readonly seed: number;
  /** False where `--no-refine` was given. */
  readonly refine: boolean;
}

/** The moments of every query, under a progress bar. */
export async function localizeWithProgress(
  { model, file }: LoadedMapDiffusion,
  data: MomentExamples,
  { steps = file.steps, seed, refine }: SamplingOptions,
): Promise<ScoredSegment[][]> {
  const progress = new Progress(data.size * data.queries, 'queries');
  const onProgress = (done: number) => progress.update(done);
  return localizeMoments(model, data, { steps, seed, refine, onProgress }).finally(() => progress.stop());
}
