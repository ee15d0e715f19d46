import { type AbortSignalLike, abortRules } from '../../abort.js';
import { callback, checkArgument, checkFields, optional, path as pathRule } from '../../arguments.js';
import { loadWordVectors, type WordVectors } from '../../data/text/words.js';
import { OptionError, TalError } from '../../errors.js';
import { openFolder } from '../dataset-folder.js';
import type { DatasetFault, OnFault } from '../fault.js';
import { openDataset } from '../open-dataset.js';
import type { VideoDataset } from '../video-dataset.js';
import { checkClasses, checkItem, checkSplits, checkWords } from './check-annotations.js';
import { checkFeatures, type FeatureSummary } from './check-features.js';
import { checkPriors } from './check-priors.js';
import { type DatasetSummary, summarize } from './dataset-summary.js';

export interface CheckDatasetOptions {
  /** Word vectors that queries are checked against, a file that `loadWordVectors` reads; default: those of `dataset.json`. */
  readonly words?: string;
  /** Called after each video of which the features were read. */
  readonly onProgress?: (done: number, videos: number) => void;
  /** Ends the check; it then throws the signal's reason. */
  readonly signal?: AbortSignalLike;
}

/** What a data set holds, and what is wrong with it. */
export interface DatasetReport {
  readonly name: string;
  readonly summary: DatasetSummary;
  /** Undefined where the data set has none. */
  readonly features?: FeatureSummary;
  /** In the order in which they were found. */
  readonly faults: readonly DatasetFault[];
}

/**
 * Reads all of a data set and lists what is wrong with it: annotations that cannot be used or leave their video, videos and
 * segments twice, empty queries, words without vectors, classes that a split lacks, features that are missing, left over, damaged,
 * not finite, or of another length than their video, priors that cannot be used.
 * @param folder of `openDataset`
 * @throws OptionError where the folder is no data set or an option is wrong, FileAccessError where it cannot be read, the reason
 *   of `signal`. What is wrong inside of files is told as a fault.
 */
export async function checkDataset(
  folder: string,
  options: CheckDatasetOptions = {},
): Promise<DatasetReport> {
  checkArgument('checkDataset', 'folder', folder, pathRule);
  checkFields<CheckDatasetOptions>('checkDataset', options, {
    words: optional(pathRule),
    onProgress: optional(callback),
    ...abortRules,
  });
  const given = options.words === undefined ? undefined : await loadWordVectors(options.words);
  const faults: DatasetFault[] = [];
  const onFault: OnFault = (fault) => void faults.push(fault);
  await openFolder(folder);
  let dataset: VideoDataset;
  try {
    dataset = await openDataset(folder, { onFault });
  } catch (error) {
    if (!(error instanceof TalError) || error instanceof OptionError) throw error;
    // After a file that was refused it says only that nothing is left.
    if (!faults.some(({ kind }) => kind === 'file')) onFault({ kind: 'file', message: error.message });
    return { name: folder, summary: { splits: [], classes: [] }, faults };
  }
  try {
    const summary = summarize(dataset);
    for (const split of dataset.splits)
      for (const item of dataset.items(split)) checkItem(item, split, onFault);
    checkSplits(dataset, onFault);
    checkClasses(dataset, summary.classes, onFault);
    const words = given ?? (await readWords(dataset, onFault));
    if (words) checkWords(dataset, words, onFault);
    await checkPriors(dataset, words, onFault);
    // A video whose entry was passed over has features and no annotations: its entry has been told already.
    const passedOver = faults.some(({ kind }) => kind === 'entry' || kind === 'file');
    const onFeatureFault: OnFault = (fault) =>
      passedOver && fault.kind === 'extra-features' ? undefined : onFault(fault);
    const features = await featuresOf(dataset, onFeatureFault, options);
    return { name: dataset.name, summary, ...(features && { features }), faults };
  } finally {
    await dataset.close();
  }
}

async function readWords(dataset: VideoDataset, onFault: OnFault): Promise<WordVectors | undefined> {
  try {
    return await dataset.words?.();
  } catch (error) {
    if (!(error instanceof TalError)) throw error;
    onFault({ kind: 'file', message: error.message });
    return undefined;
  }
}

async function featuresOf(
  dataset: VideoDataset,
  onFault: OnFault,
  { onProgress, signal }: CheckDatasetOptions,
): Promise<FeatureSummary | undefined> {
  const ids = new Set(dataset.splits.flatMap((split) => dataset.items(split).map(({ id }) => id)));
  const hasFeatures = dataset.splits.some((split) => dataset.items(split).some(({ features }) => features));
  if (!hasFeatures) return undefined;
  let done = 0;
  return checkFeatures(dataset, onFault, () => onProgress?.(++done, ids.size), signal);
}
