import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumericArray } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { writeRandomCheckpoint } from './language-checkpoint.js';
import { writeTokenizer } from './small-tokenizer.js';

const config = videoMdvlmConfigs.tiny;

export interface VideoCheckpointOptions {
  readonly shards?: number;
  readonly names?: 'llama' | 'llada';
}

/** Writes a folder of LLaDA-V's form with random weights: the configuration `tiny`, with a small tokenizer. */
export async function writeVideoCheckpoint(
  folder: string,
  options: VideoCheckpointOptions = {},
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  writeTokenizer(folder);
  await writeRandomCheckpoint(folder, config.language, { ...options, visual: config.visual });
  const path = join(folder, 'config.json');
  const { times, frames } = config;
  const file = JSON.parse(await readFile(path, 'utf8'));
  file.tal = { frames, time_tokens: { count: times.count, first_id: times.firstId } };
  writeFileSync(path, JSON.stringify(file));
  return folder;
}

/**
 * The same with weights set by hand, so that it says these tokens one after another whatever it sees, one a step.
 *
 * The mask points along one axis, each of the tokens but the last along one of its own; nothing else points anywhere. Attention, alike
 * to all positions, adds to each what has been said. The row of a token in the vocabulary looks along the axis of the one
 * before it, the first row along that of the mask, and later rows are larger.
 * @param ids no two alike, and none but the last in the prompt
 */
export async function writeSayingCheckpoint(folder: string, ids: readonly number[]): Promise<string> {
  await writeVideoCheckpoint(folder);
  const path = join(folder, 'model.safetensors');
  const { hidden, vocabulary, maskId } = config.language;
  const random = await openSafetensors(await readFile(path), path);
  const tensors: Record<string, NumericArray & { data: Float32Array }> = {};
  for (const [name, { shape }] of random.tensors) {
    const count = shape.reduce((a, b) => a * b, 1);
    tensors[name] = {
      dtype: 'f32',
      shape,
      data: new Float32Array(count).fill(/norm\d?\.weight/.test(name) ? 1 : 0),
    };
  }
  const embedding = tensors['model.embed_tokens.weight']!.data;
  const rows = new Float32Array(vocabulary * hidden);
  for (const [axis, id] of [maskId, ...ids.slice(0, -1)].entries()) embedding[id * hidden + axis] = 1;
  for (const [axis, id] of ids.entries()) rows[id * hidden + axis] = 4 ** axis;
  tensors['lm_head.weight'] = { dtype: 'f32', shape: [vocabulary, hidden], data: rows };
  const attention = 'model.layers.0.self_attn';
  for (let axis = 1; axis < hidden; axis++) {
    tensors[`${attention}.v_proj.weight`]!.data[axis * hidden + axis] = 1;
    // Of some hundred positions one says it.
    tensors[`${attention}.o_proj.weight`]!.data[axis * hidden + axis] = 50;
  }
  const file = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...file, tie_word_embeddings: false }));
  writeFileSync(path, encodeSafetensors(tensors));
  return folder;
}
