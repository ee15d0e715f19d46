import { writeWhole } from '../../data/files/output-file.js';
import { recallTable } from '../../evaluation/recall-table.js';
import { loadMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { WorldExamples } from '../../models/map-diffusion/world-examples.js';
import { Runtime } from '../../tensor/runtime.js';
import { localizeWithProgress, type SamplingOptions } from '../shared/localize-with-progress.js';
import { checkOutputs } from '../shared/outputs.js';

export interface EvaluateWorldOptions extends SamplingOptions {
  readonly model: string;
  readonly videos: number;
  readonly json?: string;
}

/** Queries of each video that is looked at. */
const queriesEach = 6;

/** `tal evaluate world`: a model of `tal train world` on rendered videos of the test split. */
export async function evaluateWorld(options: EvaluateWorldOptions): Promise<void> {
  await checkOutputs({ '--json': options.json }, { '--model': options.model });
  const runtime = await Runtime.create();
  try {
    const loaded = await loadMapDiffusion(runtime, options.model);
    const { model, words } = loaded;
    const data = new WorldExamples(model.config, 'test', options.videos, queriesEach, words);
    const found = await localizeWithProgress(loaded, data, options);
    const truths = Array.from({ length: data.size }, (_, i) => data.example(i).queries).flat();
    const recalls = recallTable(truths.map(({ spans }, i) => ({ predicted: found[i]!, truths: spans })));
    console.log(`${found.length} queries about ${data.size} videos that training never saw, in per cent`);
    for (const [name, value] of Object.entries(recalls))
      console.log(`${name.padEnd(8)}${value.toFixed(1).padStart(6)}`);
    if (options.json === undefined) return;
    await writeWhole(options.json, `${JSON.stringify(recalls, null, 2)}\n`);
    console.log(`metrics written to ${options.json}`);
  } finally {
    runtime.destroy();
  }
}
