import { readJson } from '../data/byte-source.js';
import { ensureWritable, writeWhole } from '../data/detection-json.js';
import { writeNpy } from '../data/npy.js';
import { FileFormatError } from '../errors.js';
import type { CacheKind } from '../models/mdvlm/cached-logits.js';
import { answerSizes, checkPrompt, firstLogits, generateTokens } from '../models/mdvlm/decode.js';
import type { LanguageModel } from '../models/mdvlm/language-model.js';
import {
  type LoadLanguageOptions,
  loadLanguageModel,
  readLanguageConfig,
} from '../models/mdvlm/model-folder.js';
import type { WeightStorage } from '../nn/weight-storage.js';
import { Runtime } from '../tensor/runtime.js';
import { megabytesProgress, Progress } from './progress.js';

export interface DecodeOptions {
  readonly model: string;
  readonly promptIds: string;
  readonly genLength?: number;
  readonly blockLength?: number;
  readonly steps?: number;
  readonly temperature: number;
  readonly cfgScale: number;
  readonly seed: number;
  readonly cache: 'none' | CacheKind;
  readonly threshold?: number;
  readonly revise?: number;
  readonly lateIds?: readonly number[];
  readonly rho: number;
  readonly bannedIds?: readonly number[];
  readonly stopId?: number;
  readonly weights: WeightStorage;
  readonly lora?: string;
  readonly json: string;
  readonly logits?: string;
}

/** `tal decode`: raw token ids in, LLaDA's answer to them out, with what stood there after each step. */
export async function decode(options: DecodeOptions): Promise<void> {
  const { json, logits, temperature, seed, cfgScale: guidanceScale } = options;
  const { genLength, blockLength, steps, threshold, revise, lateIds, rho, bannedIds, stopId } = options;
  const prompt = await readIds(options.promptIds);
  const sizes = answerSizes({
    ...(genLength !== undefined && { length: genLength }),
    ...(blockLength !== undefined && { blockLength }),
    ...(steps !== undefined && { steps }),
  });
  checkPrompt(await readLanguageConfig(options.model), prompt, sizes.length);
  for (const path of [json, ...(logits === undefined ? [] : [logits])]) await ensureWritable(path);
  const runtime = await Runtime.create();
  try {
    const { weights, lora: adapter } = options;
    const model = await loadWithProgress(runtime, options.model, {
      ...{ weights, maxLength: prompt.length + sizes.length },
      ...(adapter !== undefined && { adapter }),
    });
    model.lora?.merge();
    if (logits !== undefined) {
      const { shape, data } = await firstLogits(model, prompt, sizes);
      await writeWhole(logits, writeNpy({ dtype: 'f32', shape, data }));
    }
    const trace: number[][] = [];
    const progress = new Progress(sizes.steps, 'denoising steps');
    const onStep = (answer: number[]) => {
      trace.push(answer);
      progress.update(trace.length);
    };
    const ids = await generateTokens(model, prompt, {
      ...sizes,
      ...{ temperature, guidanceScale, seed, onStep, cache: options.cache },
      ...(threshold !== undefined && { threshold }),
      ...(revise !== undefined && { revise }),
      ...(lateIds && { late: { ids: lateIds, rho } }),
      ...(bannedIds && { banned: bannedIds }),
      ...(stopId !== undefined && { stopId }),
    }).finally(() => progress.stop());
    await writeWhole(json, `${JSON.stringify({ ids, trace })}\n`);
    console.log(`${ids.length} ids after ${trace.length} steps written to ${json}`);
  } finally {
    runtime.destroy();
  }
}

/** A JSON array of ids. @throws FileAccessError, FileFormatError */
async function readIds(path: string): Promise<number[]> {
  const ids = await readJson(path);
  if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id))) return ids;
  throw new FileFormatError(`${path} must be a JSON array of token ids, such as [126080, 42]`);
}

/** Loads a model under a progress bar of the megabytes that are read. */
export async function loadWithProgress(
  runtime: Runtime,
  folder: string,
  options: LoadLanguageOptions,
): Promise<LanguageModel> {
  const { update, stop } = megabytesProgress('MB of weights');
  return loadLanguageModel(runtime, folder, { ...options, onProgress: update }).finally(stop);
}
