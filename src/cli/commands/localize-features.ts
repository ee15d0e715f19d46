import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { loadClassNames } from '../../data/annotations/class-names.js';
import { writeDetections } from '../../data/annotations/detection-json.js';
import { writeWhole } from '../../data/files/output-file.js';
import { type Crop, featurePath, loadFeatures } from '../../data/formats/features.js';
import { openSafetensors } from '../../data/formats/safetensors.js';
import { Cmcs } from '../../models/wtal/cmcs.js';
import { localizeActions } from '../../models/wtal/localize.js';
import { Runtime } from '../../tensor/runtime.js';
import { checkOutputs } from '../shared/outputs.js';
import { localizationTimeline } from '../views/localization-timeline.js';
import { printSegments } from '../views/segments-table.js';
import { timelineFile } from '../views/timeline.js';

export interface LocalizeFeaturesOptions {
  readonly model: string;
  readonly features: readonly string[];
  readonly crop?: Crop;
  readonly duration: number;
  readonly classes?: string;
  readonly top: number;
  readonly videoId?: string;
  readonly json?: string;
  readonly plot?: string;
}

/** `tal localize --features`: features and weights in; ranked segments, a prediction file and a picture out. */
export async function localizeFeatures(options: LocalizeFeaturesOptions): Promise<void> {
  // What cannot be written is found out before the work, not after it.
  const { json, plot, model: weights } = options;
  const names = options.classes ?? (await classesBeside(weights));
  await checkOutputs(
    { '--json': json, '--plot': plot },
    {
      '--features': options.features.map((path) => featurePath(path).file),
      '--model': weights,
      '--classes': names,
    },
  );
  const features = await loadFeatures(options.features, {
    crop: options.crop ?? 'mean',
    onSkipped: (array, kind) => console.error(`left out: ${array}, which holds ${kind}`),
  });
  const checkpoint = await openSafetensors(options.model);
  const runtime = await Runtime.create();
  try {
    const model = await Cmcs.load(runtime, checkpoint);
    const classes = await loadClassNames(names, model.classes);
    const localization = await localizeActions(model, features, classes, options.duration);
    const { file, extension } = featurePath(options.features[0]!);
    const videoId = options.videoId ?? basename(file, extension);
    printSegments(localization, options.top);
    if (json !== undefined) {
      await writeDetections(json, { [videoId]: localization.segments }, 'pretrained features');
      console.log(`segments written to ${json}`);
    }
    if (plot !== undefined) {
      const timeline = localizationTimeline(localization, videoId, `CMCS, ${basename(options.model)}`);
      await writeWhole(plot, timelineFile(timeline, plot));
      console.log(`timeline drawn in ${plot}`);
    }
  } finally {
    runtime.destroy();
    await checkpoint.close();
  }
}

async function classesBeside(model: string): Promise<string> {
  const isFolder = await stat(model).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return join(isFolder ? model : dirname(model), 'classes.json');
}
