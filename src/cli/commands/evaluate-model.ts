import { join } from 'node:path';
import { readAmbiguousRanges } from '../../data/annotations/ambiguous-ranges.js';
import { writeDetections } from '../../data/annotations/detection-json.js';
import { readJson } from '../../data/files/byte-source.js';
import { writeWhole } from '../../data/files/output-file.js';
import type { QueryId } from '../../data/formats/json-record.js';
import { wordsOf } from '../../data/text/words.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import { clearPredictions } from '../../evaluation/clear-predictions.js';
import type { RecallRule } from '../../evaluation/moments.js';
import { type PriorGuess, WindowPrior } from '../../evaluation/window-prior.js';
import {
  type Evaluation,
  evaluatePredictions,
  type Metrics,
} from '../../models/common/evaluate-predictions.js';
import type { ClipCurve } from '../../models/common/join-curves.js';
import { askedHighlights, scoresAt } from '../../models/common/judged-highlights.js';
import type { Predictions } from '../../models/localization-model.js';
import { openModel } from '../../models/open-model.js';
import { given } from '../../tensor/given.js';
import { dataFolder, datasetOf, queriesOf } from '../shared/datasets.js';
import { checkOutputs } from '../shared/outputs.js';
import { applySettings } from '../shared/recipes.js';
import { megabytesProgress, Progress } from '../views/progress.js';

export interface EvaluateModelOptions {
  readonly model: string;
  readonly data: string;
  readonly split: string;
  /** Of the model's own options. */
  readonly set: readonly string[];
  readonly rule?: RecallRule;
  readonly thresholds?: readonly number[];
  /** File of ranges, which detections must not overlap. */
  readonly ambiguous?: string;
  readonly json?: string;
  readonly predictions?: string;
}

/**
 * `tal evaluate model`: a trained model on a split of a data set.
 * @returns nothing where the annotations are kept back and predictions were written instead
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<Evaluation | undefined> {
  const { split } = options;
  await checkOutputs(
    { '--json': options.json, '--predictions': options.predictions },
    {
      '--model': options.model,
      '--data': dataFolder(options.data),
      '--ambiguous': options.ambiguous,
    },
  );
  const unclear = options.ambiguous === undefined ? undefined : await readAmbiguousRanges(options.ambiguous);
  const data = await datasetOf(options.data);
  try {
    const { predictions, judged } = await predicted(data, options);
    if (options.predictions !== undefined)
      await writePredictions(options.predictions, judged, split, predictions);
    if (options.predictions !== undefined && isKeptBack(data, split)) return undefined;
    const rules = given({ rule: options.rule, thresholds: options.thresholds });
    const { detections } = predictions;
    if (unclear && !detections) throw new OptionError('--ambiguous is for models that find actions');
    const counted =
      unclear && detections ? { detections: clearPredictions(detections, unclear) } : predictions;
    const evaluation = evaluatePredictions(judged, split, counted, rules);
    const prior = await priorOf(options.model, data, split);
    const answers = 'P@0.5' in evaluation.metrics;
    const ofPrior = prior && evaluatePredictions(data, split, prior, { ...rules, answers });
    print(evaluation, ofPrior);
    if (options.json !== undefined) {
      const table = {
        ...{ ...evaluation.metrics, kinds: evaluation.kinds },
        ...(evaluation.domains && { domains: evaluation.domains }),
        ...(ofPrior && { prior: { ...ofPrior.metrics, kinds: ofPrior.kinds } }),
      };
      await writeWhole(options.json, `${JSON.stringify(table, null, 2)}\n`);
      console.log(`metrics written to ${options.json}`);
    }
    return evaluation;
  } finally {
    await data.close();
  }
}

/** What the model predicts, under progress bars, and the data set in the form that it is judged on. */
export async function predicted(
  data: VideoDataset,
  options: Pick<EvaluateModelOptions, 'model' | 'split' | 'set'>,
): Promise<{ readonly predictions: Predictions; readonly judged: VideoDataset }> {
  const loading = megabytesProgress('MB of weights');
  const model = await openModel(options.model, { onProgress: loading.update }).finally(loading.stop);
  const what = model.finds.includes('moments') ? 'queries' : 'videos';
  let progress: Progress | undefined;
  try {
    const judged = await model.judgedOn(data, options.split);
    const predictions = await model.predict(judged, options.split, {
      options: applySettings({}, options.set),
      onProgress: (done, total) => {
        progress ??= new Progress(total, what);
        progress.update(done);
      },
      onWarning: (message) => console.error(message),
    });
    return { predictions, judged };
  } finally {
    progress?.stop();
    model.dispose();
  }
}

/** Whether a split has queries of which some have no known moment and no scores of clips. */
function isKeptBack(data: VideoDataset, split: string): boolean {
  return queriesOf(data, split).some(({ windows, saliency }) => windows.length === 0 && !saliency);
}

/** What the words of the queries alone say, where the model's folder has that. */
async function priorOf(folder: string, data: VideoDataset, split: string): Promise<Predictions | undefined> {
  const stored = await readJson(join(folder, 'prior.json')).catch(() => undefined);
  if (!Array.isArray(stored)) return undefined;
  const prior = new WindowPrior(stored as PriorGuess[]);
  const queries = queriesOf(data, split);
  if (queries.every(({ windows }) => windows.length === 0)) return undefined;
  return {
    moments: new Map(
      queries.map(({ id, text }) => {
        const segment = prior.predict(wordsOf(text));
        return [id, segment ? [{ segment, score: 1 }] : []];
      }),
    ),
  };
}

function print({ metrics, kinds, domains, count }: Evaluation, prior: Evaluation | undefined): void {
  const rows: [string, Metrics][] = [[`model, ${count}`, metrics]];
  const add = (of: Readonly<Record<string, Metrics>>) => {
    for (const [kind, own] of Object.entries(of)) rows.push([`  ${kind}`, own]);
  };
  add(kinds);
  if (prior) {
    rows.push(['prior of the words alone', prior.metrics]);
    add(prior.kinds);
  }
  // Those of highlights are a table of their own: the lines would be too long.
  const [highlights, others] = [true, false].map((wanted) =>
    Object.keys(metrics).filter((name) => name.startsWith('HL-') === wanted),
  ) as [string[], string[]];
  if (others.length > 0) printTable(others, rows);
  if (highlights.length === 0) return;
  const [only] = highlights;
  const ofDomains = Object.entries(domains ?? {}).map(([domain, value]): [string, Metrics] => [
    `  ${domain}`,
    { [only!]: value },
  ]);
  printTable(highlights, [rows[0]!, ...ofDomains]);
}

function printTable(names: readonly string[], rows: readonly (readonly [string, Metrics])[]): void {
  const width = Math.max(...rows.map(([label]) => label.length));
  const widths = names.map((name) => Math.max(7, name.length + 2));
  console.log(`${' '.repeat(width)}  ${names.map((name, i) => name.padStart(widths[i]!)).join('')}`);
  for (const [label, own] of rows) {
    const cells = names.map((name, i) => shown(own[name]).padStart(widths[i]!));
    console.log(`${label.padEnd(width)}  ${cells.join('')}`);
  }
}

/** Per cent with a decimal, fractions with four. */
const shown = (value: number | undefined): string =>
  value === undefined ? '-' : Math.abs(value) <= 1 ? value.toFixed(4) : value.toFixed(1);

/** In the form that `tal evaluate moments`, `highlights` and `detection` read. */
async function writePredictions(
  path: string,
  data: VideoDataset,
  split: string,
  { moments, detections, saliency }: Predictions,
): Promise<void> {
  if (detections) {
    await writeDetections(path, Object.fromEntries(detections), 'pretrained features');
    console.log(`segments written to ${path}`);
    return;
  }
  const asked = new Map(
    data
      .items(split)
      .flatMap(({ id: vid, annotations }) =>
        (annotations.queries ?? []).map(({ id, text: query }) => [id, { query, vid }] as const),
      ),
  );
  // For the clips that people judged; where nobody did, as the model has them.
  const clips = new Map(askedHighlights(data, split).map((each) => [each.query.id, each.clips]));
  const scoresOf = (qid: QueryId, curve: ClipCurve) =>
    clips.has(qid) ? scoresAt(curve, clips.get(qid)!) : curve.scores;
  const lines = [...(moments ?? [])].map(([qid, found]) => {
    const windows = found.map(({ segment: [start, end], score }) => [start, end, score]);
    const curve = saliency?.get(qid);
    return JSON.stringify({
      ...{ qid, ...asked.get(qid), pred_relevant_windows: windows },
      ...(curve && { pred_saliency_scores: scoresOf(qid, curve) }),
    });
  });
  await writeWhole(path, `${lines.join('\n')}\n`);
  console.log(`moments written to ${path}`);
}
