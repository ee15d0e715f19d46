import { callback, checkArgument, instanceOf, text } from '../arguments.js';
import { type JsonRecord, readJsonRecord } from '../data/formats/json-record.js';
import { openSafetensors, type Safetensors } from '../data/formats/safetensors.js';
import { FileFormatError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import { LoraAdapter, type LoraOptions } from './lora.js';
import { saveConfig, saveWeights } from './save-model.js';

/** The two files of an adapter as PEFT names them. */
const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';
/** What `saveLora` writes. */
export const loraFiles = [configFile, weightsFile];
/** What PEFT puts before the names of a model. */
const prefix = 'base_model.model.';

/**
 * Writes an adapter as PEFT does: `adapter_config.json`, and `adapter_model.safetensors` with its weights in f32.
 * @param base name or path of the model that it belongs to
 * @throws FileAccessError
 */
export async function saveLora(folder: string, adapter: LoraAdapter, base: string): Promise<void> {
  checkArgument('saveLora', 'folder', folder, text);
  checkArgument('saveLora', 'adapter', adapter, instanceOf(LoraAdapter, 'a LoraAdapter'));
  checkArgument('saveLora', 'base', base, text);
  const { rank, alpha, targets } = adapter.options;
  await saveWeights(folder, weightsFile, adapter, prefix);
  await saveConfig(folder, configFile, {
    peft_type: 'LORA',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: alpha,
    target_modules: targets,
    lora_dropout: 0,
    bias: 'none',
    inference_mode: true,
  });
}

/** An adapter in a folder. */
export class LoraFolder {
  constructor(
    /** What a model needs to take it: the layers are those that the file has weights of. */
    readonly options: LoraOptions,
    /** What it says its model is. */
    readonly base: string,
    private readonly weights: Safetensors,
  ) {}

  /** Loads the weights. @throws FileFormatError as `Module.load` */
  async load(adapter: LoraAdapter): Promise<void> {
    try {
      await adapter.load(this.weights);
    } catch (cause) {
      if (!(cause instanceof FileFormatError)) throw cause;
      throw new FileFormatError(`${cause.message}; the adapter was made for ${this.base}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.weights.close();
  }
}

/**
 * Opens an adapter of PEFT's form.
 * @param rename what the model calls a weight of the model that the adapter was made for, undefined where it has none
 * @throws FileAccessError; FileFormatError where it is no such adapter, or of a kind that does more than LoRA
 */
export async function openLora(
  folder: string,
  rename: (weight: string) => string | undefined,
): Promise<LoraFolder> {
  checkArgument('openLora', 'folder', folder, text);
  checkArgument('openLora', 'rename', rename, callback);
  const { join } = await nodeModule('node:path');
  const config = await readJsonRecord(join(folder, configFile));
  const sizes = checkedConfig(config);
  const stored = await openSafetensors(join(folder, weightsFile));
  try {
    const weights = stored.renamed((tensor) => factorName(tensor, rename));
    const factors = [...weights.tensors.keys()].filter((name) => factor.test(name));
    const layers = new Set(factors.map((name) => name.replace(factor, '')));
    if (layers.size === 0) throw new FileFormatError(`${stored.name} adapts no layer of such a model`);
    const base = config.value('base_model_name_or_path');
    return new LoraFolder({ ...sizes, targets: [...layers] }, String(base ?? 'an unnamed model'), weights);
  } catch (error) {
    await stored.close();
    throw error;
  }
}

/** The end of the name of an addition's weight. */
const factor = /\.lora_[AB]\.weight$/;

/** The model's name of an addition's weight; what is no such weight keeps its own, and is refused on loading. */
function factorName(stored: string, rename: (weight: string) => string | undefined): string | undefined {
  const [end] = factor.exec(stored) ?? [];
  if (!end) return stored;
  const layer = stored.slice(stored.startsWith(prefix) ? prefix.length : 0, -end.length);
  return rename(`${layer}.weight`)?.replace(/\.weight$/, end);
}

/** Rank and α; with `use_rslora` the factor is α / √r, which is that of another α. @throws FileFormatError */
function checkedConfig(config: JsonRecord): Pick<LoraOptions, 'rank' | 'alpha'> {
  if (config.value('peft_type') !== 'LORA') throw config.error('peft_type is not LORA');
  for (const name of ['use_dora', 'lora_bias', 'fan_in_fan_out']) {
    if (config.value(name)) throw config.error(`${name} is not supported`);
  }
  for (const name of ['rank_pattern', 'alpha_pattern', 'modules_to_save']) {
    const value = config.value(name);
    if (value && Object.keys(value).length > 0) throw config.error(`${name} is not supported`);
  }
  const bias = config.value('bias') ?? 'none';
  if (bias !== 'none')
    throw config.error(`bias is ${JSON.stringify(bias)}: trained biases are not supported`);
  const rank = config.integer('r', 1);
  const alpha = config.number('lora_alpha');
  if (alpha <= 0) throw config.error(`lora_alpha is ${alpha}`);
  return { rank, alpha: config.value('use_rslora') ? alpha * Math.sqrt(rank) : alpha };
}
