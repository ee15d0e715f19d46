import { readJson } from '../../data/files/byte-source.js';
import { writeWhole } from '../../data/files/output-file.js';
import { writeNpy } from '../../data/formats/npy.js';
import { FileFormatError } from '../../errors.js';
import { checkPrompt, firstLogits, generateTokens } from '../../models/mdvlm/decoding/decode.js';
import { answerSizes } from '../../models/mdvlm/decoding/decoding-options.js';
import type { LanguageModel } from '../../models/mdvlm/language/language-model.js';
import {
  type LoadLanguageOptions,
  loadLanguageModel,
  readLanguageConfig,
} from '../../models/mdvlm/language/model-folder.js';
import { given } from '../../tensor/given.js';
import { Runtime } from '../../tensor/runtime.js';
import { type DecodingFlags, decodingOf } from '../options/decoding-options.js';
import { checkOutputs } from '../shared/outputs.js';
import { megabytesProgress, Progress } from '../views/progress.js';

export interface DecodeOptions extends DecodingFlags {
  readonly model: string;
  readonly promptIds: string;
  readonly genLength?: number;
  readonly lateIds?: readonly number[];
  readonly rho: number;
  readonly bannedIds?: readonly number[];
  readonly stopId?: number;
  readonly lora?: string;
  readonly json: string;
  readonly logits?: string;
}

/** `tal decode`: raw token ids in, LLaDA's answer to them out, with its ids after each step. */
export async function decode(options: DecodeOptions): Promise<void> {
  const { json, logits, lateIds, rho, bannedIds: banned, stopId, weights, lora: adapter } = options;
  const prompt = await readIds(options.promptIds);
  const decoding = decodingOf(options, options.genLength);
  const { length, steps } = answerSizes(decoding);
  checkPrompt(await readLanguageConfig(options.model), prompt, length);
  await checkOutputs(
    { '--json': json, '--logits': logits },
    { '--prompt-ids': options.promptIds, '--model': options.model, '--lora': adapter },
  );
  const runtime = await Runtime.create();
  try {
    const maxLength = prompt.length + length;
    const model = await loadWithProgress(runtime, options.model, given({ weights, maxLength, adapter }));
    model.lora?.merge();
    if (logits !== undefined) {
      const { shape, data } = await firstLogits(model, prompt, { length });
      await writeWhole(logits, writeNpy({ dtype: 'f32', shape, data }));
    }
    const trace: number[][] = [];
    const progress = new Progress(steps, 'denoising steps');
    const onStep = (answer: number[]) => {
      trace.push(answer);
      progress.update(trace.length);
    };
    const late = lateIds && { ids: lateIds, rho };
    const rules = given({ banned, stopId, late });
    const ids = await generateTokens(model, prompt, { ...decoding, ...rules, onStep }).finally(() =>
      progress.stop(),
    );
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
