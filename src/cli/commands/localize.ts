import { type Command, InvalidArgumentError, Option } from 'commander';
import { writeWhole } from '../../data/files/output-file.js';
import { type Crop, featurePath } from '../../data/formats/features.js';
import { isFeaturePath } from '../../datasets/open-input.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import {
  DeviceLostError,
  FileFormatError,
  MissingPackageError,
  NoAdapterError,
  OptionError,
  TalError,
} from '../../errors.js';
import type { LocalizationModel, LocalizeRequest } from '../../models/localization-model.js';
import { openModel } from '../../models/open-model.js';
import type { WeightStorage } from '../../nn/weight-storage.js';
import { given } from '../../tensor/given.js';
import type { Detection } from '../../time/segment.js';
import { crop, picture, positive, repeated, weightsOption, whole } from '../options/arguments.js';
import { LinesFile } from '../shared/lines-file.js';
import {
  filesOfInput,
  findInputs,
  inputsFor,
  type LocalizeInput,
  type LocalizeInputs,
} from '../shared/localize-inputs.js';
import { localizeOne } from '../shared/localize-one.js';
import {
  type LocalizedLine,
  lineKey,
  momentLine,
  type PredictionFormat,
  predictionFile,
  predictionFormats,
  queryKey,
  videoKey,
} from '../shared/localized-lines.js';
import { checkOutputs } from '../shared/outputs.js';
import { applySettings } from '../shared/recipes.js';
import { runIdentity } from '../shared/run-identity.js';
import { megabytesProgress, Progress } from '../views/progress.js';
import { worldModel } from './demo.js';

interface Flags {
  readonly model: string;
  readonly query?: string;
  readonly question?: string;
  readonly window?: number;
  readonly set: readonly string[];
  readonly weights?: WeightStorage;
  readonly split?: string;
  readonly duration?: number | string;
  readonly crop?: Crop;
  readonly videoId?: string;
  readonly top: number;
  readonly out?: string;
  readonly json?: string;
  readonly format?: PredictionFormat;
  readonly plot?: string;
}

/** Adds `tal localize`: any model, on a video, on many, or on a data set. */
export function addLocalize(program: Command): void {
  program
    .command('localize')
    .description(
      'Find when something happens in videos: what a sentence says, or actions, as the model finds. An input is a video, ' +
        'a file of features (several joined as rgb.npy+flow.npy; FILE#NAME for one of several arrays), a recording ' +
        '(.csv with time in seconds and a column a channel), a folder of such files, or a data set (a folder, or world, the built-in one)',
    )
    .summary('Find when something happens in videos')
    .argument('<inputs...>', 'videos, files of features, recordings, folders of them; or one data set')
    .option('--model <folder>', 'a trained model of any architecture', worldModel)
    .option('--query <sentence>', 'what to look for; default: the queries of a data set, or all actions')
    .option('--question <text>', 'asked as it is (LLaDA-V): its answer should begin with two times')
    .option(
      '--set <name=value>',
      "one of the model's own options, such as steps=5 or seed=1; repeat it",
      repeated,
      [],
    )
    .option(
      '--window <seconds>',
      'ask about windows of that length, each half over the next (LLaDA-V)',
      positive,
    )
    .addOption(weightsOption())
    .optionsGroup('Inputs:')
    .option('--split <name>', 'of a data set')
    .option(
      '--duration <seconds>',
      'of features: length of the video; or a .json or .csv with the length of each by name',
      lengthOrFile,
    )
    .option(
      '--crop <which>',
      'of ten-crop features [10, steps, channels]: mean, or one of 0 to 9; default: mean',
      crop,
    )
    .option('--video-id <name>', 'of one input: its name in files; default: from the name of its file')
    .optionsGroup('Outputs:')
    .option(
      '--out <file>',
      'JSON lines, written as each input is done. A run that was ended goes on where it stopped; default for several ' +
        'inputs: standard output',
    )
    .option('--json <file>', 'all that was found as one file, for tal evaluate')
    .addOption(
      new Option(
        '--format <name>',
        'of --json; default: activitynet of actions, qvhighlights of moments',
      ).choices(predictionFormats),
    )
    .option('--top <n>', 'of one input: segments to print', whole(1), 10)
    .option('--plot <file>', 'of one input: draw the timeline (.svg or .html)', picture)
    .action(localize);
}

/** Seconds, or the name of a file that has them. */
function lengthOrFile(text: string): number | string {
  if (/\.(json|csv)$/i.test(text)) return text;
  try {
    return positive(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError('It must be a positive number, or the name of a .json or .csv file.');
  }
}

async function localize(paths: readonly string[], flags: Flags): Promise<void> {
  const request = requestOf(flags);
  const outputs = { '--out': flags.out, '--json': flags.json, '--plot': flags.plot };
  await checkOutputs(outputs, {
    '--model': flags.model,
    '--duration': typeof flags.duration === 'string' ? flags.duration : undefined,
    'the input': paths
      .flatMap(filesOfInput)
      .map((path) => (isFeaturePath(path) ? featurePath(path).file : path)),
  });
  if (flags.format !== undefined && flags.json === undefined)
    throw new OptionError('--format is the format of --json: name the file too');
  const found = await findInputs(paths, flags);
  try {
    if (found.single && flags.out === undefined) await localizeSingle(found.inputs[0]!, request, flags);
    else await localizeMany(found, request, flags);
  } finally {
    await found.data?.close();
  }
}

/** @throws OptionError */
function requestOf({ query, question, window, set }: Flags): LocalizeRequest {
  if (query !== undefined && question !== undefined)
    throw new OptionError('say what to look for with one of --query and --question');
  for (const [name, text] of Object.entries({ query, question }))
    if (text?.trim() === '') throw new OptionError(`--${name} must be a sentence, it is empty`);
  const options = applySettings(
    { ...given({ window }), ...(question !== undefined && { verbatim: true }) },
    set,
  );
  return { ...given({ query: query ?? question }), options, onWarning: (message) => console.error(message) };
}

async function opened({ model, weights }: Flags): Promise<LocalizationModel> {
  const { update, stop } = megabytesProgress('MB of weights');
  return openModel(model, { onProgress: update, ...given({ dtype: weights }) }).finally(stop);
}

/** One video, printed. */
async function localizeSingle(input: LocalizeInput, request: LocalizeRequest, flags: Flags): Promise<void> {
  // A file that is no video is found out before gigabytes are read.
  const video = await input.open();
  const model = await opened(flags);
  try {
    model.checkRequest(request);
    const { json, plot, top, model: folder } = flags;
    const format = formatOf(flags, request.query === undefined ? 'actions' : 'moments');
    const id = flags.videoId ?? input.id;
    const { segments, picture } = await localizeOne(model, { input, video, id, plot, top, folder }, request);
    if (json !== undefined) {
      const { duration } = video;
      const line = lineOf({ id, duration, query: request.query }, segments);
      await writeWhole(json, predictionFile([line], format));
      console.log(`segments written to ${json}`);
    }
    if (plot !== undefined && picture !== undefined) {
      await writeWhole(plot, picture);
      console.log(`timeline drawn in ${plot}`);
    }
  } finally {
    model.dispose();
  }
}

/** Any number of videos: a line for each, or for each of its queries, as it is done. */
async function localizeMany(found: LocalizeInputs, request: LocalizeRequest, flags: Flags): Promise<void> {
  const { json, plot, videoId } = flags;
  for (const [name, value] of Object.entries({ plot, 'video-id': videoId }))
    if (value !== undefined) throw new OptionError(`--${name} goes with one input, and without --out`);
  const out = flags.out ?? (json === undefined ? '-' : undefined);
  await checkOutputs({ '--out': out, '--json': json });
  const { options, query } = request;
  const { data, inputs: all } = found;
  const settings = {
    ...{ options, query, weights: flags.weights, crop: flags.crop },
    ...(data && { data: data.name, split: flags.split }),
  };
  const lines =
    out === undefined ? undefined : await LinesFile.open(out, await runIdentity(flags.model, settings));
  let failed = 0;
  try {
    const model = await opened(flags);
    try {
      const inputs = inputsFor(model, found);
      const asked = all.flatMap(({ item }) => item?.annotations.queries ?? []);
      const wanted = query ?? (model.finds.includes('moments') ? asked[0]?.text : undefined);
      model.checkRequest({ ...request, ...given({ query: wanted }) });
      const format = formatOf(flags, wanted === undefined ? 'actions' : 'moments');
      const results = [...(lines?.earlier ?? [])];
      const done = new Set(results.map(lineKey));
      const progress = new Progress(inputs.length, 'inputs');
      try {
        for (const [i, input] of inputs.entries()) {
          const added = await passOver(input, () => linesOf(model, input, { request, done, data }));
          if (added && added.length > 0) {
            await lines?.append(added);
            results.push(...(json === undefined ? [] : added));
          }
          if (!added) failed++;
          progress.update(i + 1);
        }
      } finally {
        progress.stop();
      }
      if (json !== undefined) {
        await writeWhole(json, predictionFile(results, format));
        console.log(`segments written to ${json}`);
      }
      if (failed > 0)
        throw new FileFormatError(
          `${failed} of ${inputs.length} inputs failed, as said above; the others are done`,
        );
    } finally {
      model.dispose();
    }
  } finally {
    await lines?.close();
  }
}

/** What was found in an input, or nothing where it is told that it cannot be used. */
async function passOver<T>(input: LocalizeInput, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const ends = [DeviceLostError, NoAdapterError, MissingPackageError].some((kind) => error instanceof kind);
    if (ends || !(error instanceof TalError)) throw error;
    console.error(`left out: ${input.name}: ${error.message}`);
    return undefined;
  }
}

interface Asked {
  readonly request: LocalizeRequest;
  /** Keys of the lines that are there. */
  readonly done: ReadonlySet<string>;
  readonly data: VideoDataset | undefined;
}

/** What is found in an input that is not done yet. */
async function linesOf(
  model: LocalizationModel,
  { id, item, open }: LocalizeInput,
  { request, done, data }: Asked,
): Promise<LocalizedLine[]> {
  const { query, ...predicting } = request;
  const own = model.finds.includes('moments') && query === undefined ? (item?.annotations.queries ?? []) : [];
  if (own.length > 0) {
    const queries = own.filter((each) => !done.has(queryKey(each.id)));
    if (queries.length === 0) return [];
    const one = { ...item!, annotations: { queries } };
    const found = await model.predict({ ...data!, items: () => [one] }, 'this one', predicting);
    return queries.map(({ id: qid, text, excerpt: [start, end] }) =>
      momentLine({ qid, query: text, vid: id, duration: end - start }, found.moments!.get(qid)!),
    );
  }
  if (done.has(query === undefined ? videoKey(id) : queryKey(id))) return [];
  const video = await open();
  const { segments, duration } = await model.localize(video, request);
  return [lineOf({ id, duration, query }, segments)];
}

interface AskedVideo {
  readonly id: string;
  readonly duration: number;
  readonly query: string | undefined;
}

function lineOf({ id, duration, query }: AskedVideo, segments: readonly Detection[]): LocalizedLine {
  if (query === undefined) return { video_id: id, duration, segments };
  return momentLine({ qid: id, query, vid: id, duration }, segments);
}

/** @throws OptionError where the format has no place for what is found */
function formatOf({ format }: Flags, finds: 'actions' | 'moments'): PredictionFormat {
  if (finds === 'actions' && format !== undefined && format !== 'activitynet')
    throw new OptionError(`--format ${format} is of moments of queries; actions go with activitynet`);
  return format ?? (finds === 'actions' ? 'activitynet' : 'qvhighlights');
}
