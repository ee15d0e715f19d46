import { type Command, Option } from 'commander';
import { readAmbiguousRanges } from '../../data/annotations/ambiguous-ranges.js';
import { readMomentPredictions } from '../../data/annotations/moments-jsonl.js';
import { readAnnotations, readDetections } from '../../data/annotations/read-detections.js';
import { readTemporalPredictions, readTemporalQuestions } from '../../data/annotations/temporal-reasoning.js';
import { writeWhole } from '../../data/files/output-file.js';
import { endsAfter } from '../../data/text/timed-text.js';
import { clearPredictions } from '../../evaluation/clear-predictions.js';
import { ACTIVITYNET_THRESHOLDS, evaluateDetection } from '../../evaluation/detection.js';
import { evaluateHighlights } from '../../evaluation/highlights.js';
import { evaluateMoments, type RecallRule } from '../../evaluation/moments.js';
import { evaluateTemporalReasoning } from '../../evaluation/temporal-reasoning.js';
import { answeredSpan, answerFromText } from '../../models/mdvlm/decoding/answers.js';
import { TimeTokens } from '../../models/mdvlm/time-tokens.js';
import { repeated, thresholds, whole } from '../options/arguments.js';
import { checkOutputs } from '../shared/outputs.js';
import { type EvaluateHighlightsOptions, evaluateHighlightsOf } from './evaluate-highlights.js';
import { type EvaluateModelOptions, evaluateModel } from './evaluate-model.js';

interface EvaluateOptions {
  readonly predictions: string;
  readonly groundTruth: string;
  readonly json?: string;
}

type Metrics = Readonly<Record<string, number | null>>;

/** `tal evaluate`: predictions and annotations in, the metrics of the benchmarks out. */
export function addEvaluate(program: Command): void {
  const evaluate = program.command('evaluate').description('Measure predictions against annotations');
  const add = (name: string, description: string): Command =>
    evaluate
      .command(name)
      .description(description)
      .requiredOption('--predictions <file>', 'what was predicted')
      .requiredOption('--ground-truth <file>', 'what is true')
      .option('--json <file>', 'write the metrics');
  add('moments', 'Moments found for sentences: JSON lines in the format of QVHighlights')
    .addOption(
      new Option('--rule <rule>', 'is an overlap of exactly the threshold a hit? (2D-TAN: strict)')
        .choices(['at-least', 'strict'])
        .default('at-least'),
    )
    .action(moments);
  add('detection', "Actions found in videos: JSON in ActivityNet's format")
    .option('--subset <name>', 'which videos to evaluate', 'validation')
    .option(
      '--thresholds <first:step:last>',
      'temporal IoU (default: 0.5:0.05:0.95; THUMOS: 0.3:0.1:0.7)',
      thresholds,
    )
    .addOption(ambiguousOption())
    .action(detection);
  add(
    'rtl',
    "Spans in answers to questions, in ActivityNet-RTL's format. Predictions are a JSON list, or JSON lines, of " +
      'question_id and either output, the answer as text with <t12> (time tokens) or <12.5> (seconds), of which the ' +
      'first two count, or span, [start, end] in seconds',
  )
    .summary("Spans in answers to questions, in ActivityNet-RTL's format")
    .option('--time-tokens <n>', 'how many there are: <t0> is the start, the last one the end', whole(2), 100)
    .action(temporalReasoning);
  evaluate
    .command('highlights')
    .description(
      'Scores of clips: JSON lines of qid and pred_saliency_scores, one for each clip that people judged; for QVHighlights one ' +
        'for each 2 s. Counted by the rules of the benchmark: QVHighlights, TVSum (HL-top5-mAP), YouTube Highlights (HL-mAP)',
    )
    .summary('Scores of clips, by the rules of QVHighlights, TVSum or YouTube Highlights')
    .option('--predictions <file>', 'what was predicted')
    .requiredOption(
      '--ground-truth <file|dataset>',
      'a file of QVHighlights, or a data set; a query without an id of its own has that of its video',
    )
    .option('--split <name>', 'of a data set')
    .option(
      '--baselines',
      'of TVSum and YouTube Highlights: also score what never looks at the video, and the annotators',
    )
    .option('--json <file>', 'write the metrics')
    .action(highlights);
  evaluate
    .command('model')
    .description('A trained model on a split of a data set')
    .requiredOption('--model <folder>', 'config.json and model.safetensors')
    .requiredOption('--data <dataset>', 'a folder (see the guide on data sets), or world, the built-in one')
    .requiredOption('--split <name>', 'such as validation')
    .option(
      '--set <name=value>',
      "one of the model's own options, such as steps=5 or refine=false; repeat it",
      repeated,
      [],
    )
    .addOption(
      new Option('--rule <rule>', 'is an overlap of exactly the threshold a hit? (2D-TAN: strict)').choices([
        'at-least',
        'strict',
      ]),
    )
    .option(
      '--thresholds <first:step:last>',
      'temporal IoU of actions (default: 0.5:0.05:0.95; THUMOS: 0.3:0.1:0.7)',
      thresholds,
    )
    .addOption(ambiguousOption())
    .option('--json <file>', 'write the metrics')
    .option('--predictions <file>', "write what was found, in QVHighlights' or ActivityNet's format")
    .action(async (options: EvaluateModelOptions) => void (await evaluateModel(options)));
}

async function moments(options: EvaluateOptions & { readonly rule: RecallRule }): Promise<void> {
  await checkFiles(options);
  const queries = await readMomentPredictions(options.predictions, options.groundTruth);
  const highlights = queries.flatMap((query) => query.highlights ?? []);
  console.log(`${queries.length} queries, in per cent`);
  const metrics = {
    ...evaluateMoments(queries, options.rule),
    ...(highlights.length > 0 && evaluateHighlights(highlights)),
  };
  await report(metrics, 2, options.json);
}

async function highlights(options: EvaluateHighlightsOptions): Promise<void> {
  const { title, metrics, ...parts } = await evaluateHighlightsOf(options);
  console.log(title);
  print(metrics, 2);
  for (const [name, values] of Object.entries(parts)) {
    console.log(`${name}:`);
    print(values, 2);
  }
  await write({ ...metrics, ...parts }, options.json);
}

interface DetectionOptions extends EvaluateOptions {
  readonly subset: string;
  readonly thresholds?: readonly number[];
  readonly ambiguous?: string;
}

async function detection(options: DetectionOptions): Promise<void> {
  await checkFiles(options);
  const truths = await readAnnotations(options.groundTruth, options.subset);
  const all = await readDetections(options.predictions);
  const { ambiguous } = options;
  const predictions =
    ambiguous === undefined ? all : clearPredictions(all, await readAmbiguousRanges(ambiguous));
  const { metrics, unknownLabels } = evaluateDetection(
    predictions,
    truths,
    options.thresholds ?? ACTIVITYNET_THRESHOLDS,
  );
  console.log(`${truths.size} videos of the subset ${options.subset}`);
  if (unknownLabels.length > 0) {
    console.error(`left out, as no annotation has them: predictions of ${unknownLabels.join(', ')}`);
  }
  const foreign = [...predictions.keys()].filter((video) => !truths.has(video)).length;
  if (foreign > 0) console.error(`predictions in ${foreign} other videos count as wrong`);
  await report(metrics, 4, options.json);
}

async function temporalReasoning(options: EvaluateOptions & { readonly timeTokens: number }): Promise<void> {
  await checkFiles(options);
  const questions = await readTemporalQuestions(options.groundTruth);
  const predictions = await readTemporalPredictions(options.predictions, questions);
  const times = new TimeTokens({ count: options.timeTokens });
  let late = 0;
  const answers = questions.map(({ video, duration, spans: [truth] }, i) => {
    const prediction = predictions[i]!;
    if ('span' in prediction) return { video, predicted: prediction.span, truth };
    if (endsAfter(times.read(prediction.output, duration), duration)) late++;
    const parts = answerFromText(prediction.output, duration, times);
    return { video, predicted: answeredSpan(parts, duration), truth };
  });
  if (late > 0)
    console.error(`${late} answers have times after the end of their video: they count as its end`);
  const videos = new Set(answers.map(({ video }) => video)).size;
  console.log(`${answers.length} questions about ${videos} videos, in per cent`);
  await report(evaluateTemporalReasoning(answers), 2, options.json);
}

const ambiguousOption = (): Option =>
  new Option(
    '--ambiguous <file>',
    'leave out predictions that overlap its lines VIDEO START END, in seconds (THUMOS: Ambiguous_test.txt)',
  );

/** Before the work, not after it. @throws FileAccessError, OptionError */
function checkFiles(options: EvaluateOptions & { readonly ambiguous?: string }): Promise<void> {
  const { predictions, groundTruth, json, ambiguous } = options;
  return checkOutputs(
    { '--json': json },
    { '--predictions': predictions, '--ground-truth': groundTruth, '--ambiguous': ambiguous },
  );
}

/** Prints a line for each metric, and writes them all. */
async function report(metrics: Metrics, decimals: number, json?: string): Promise<void> {
  print(metrics, decimals);
  await write(metrics, json);
}

function print(metrics: Metrics, decimals: number): void {
  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  for (const [name, value] of Object.entries(metrics)) {
    console.log(`${name.padEnd(width)}  ${(value?.toFixed(decimals) ?? 'none').padStart(6)}`);
  }
}

async function write(metrics: object, json?: string): Promise<void> {
  if (json === undefined) return;
  await writeWhole(json, `${JSON.stringify(metrics, null, 2)}\n`);
  console.log(`metrics written to ${json}`);
}
