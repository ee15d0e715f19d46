import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mixBits } from '../../src/data/host-random.js';
import type { LanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { patchesAcross, type VisualConfig } from '../../src/models/mdvlm/vision/vision-config.js';

export interface RandomCheckpointOptions {
  /** Whose key and tensor names; default `llama`. */
  readonly names?: 'llama' | 'llada';
  /** Type of the tensors; default bf16. */
  readonly dtype?: 'bf16' | 'f32';
  /** Files that the tensors are dealt out to; 1 (default) writes `model.safetensors` and no index. */
  readonly shards?: number;
  readonly seed?: number;
  /** The vision encoder of LLaDA-V too. */
  readonly visual?: VisualConfig;
}

/** The vision encoder under the names of LLaDA-V, whatever those of the language model. */
function visualWeightsOf({ vision, projector }: VisualConfig): Weight[] {
  const { width, patch, layers, unusedLayers, intermediate } = vision;
  const { hidden } = projector;
  const named = (name: string, ...shape: number[]): Weight => ({ llama: name, llada: name, shape });
  const both = (name: string, outputs: number, ...inputs: number[]): Weight[] => [
    named(`${name}.weight`, outputs, ...inputs),
    named(`${name}.bias`, outputs),
  ];
  const tower = 'model.vision_tower.vision_tower.vision_model';
  const layer = (i: number): Weight[] => {
    const name = `${tower}.encoder.layers.${i}`;
    return [
      ...both(`${name}.layer_norm1`, width),
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((part) =>
        both(`${name}.self_attn.${part}`, width, width),
      ),
      ...both(`${name}.layer_norm2`, width),
      ...both(`${name}.mlp.fc1`, intermediate, width),
      ...both(`${name}.mlp.fc2`, width, intermediate),
    ];
  };
  return [
    ...both(`${tower}.embeddings.patch_embedding`, width, 3, patch, patch),
    named(`${tower}.embeddings.position_embedding.weight`, patchesAcross(vision) ** 2, width),
    // A released checkpoint lacks the layers that are not run, or holds them.
    ...Array.from({ length: layers + unusedLayers }, (_, i) => layer(i)).flat(),
    ...both(`${tower}.post_layernorm`, width),
    ...both('model.mm_projector.0', hidden, width),
    ...both('model.mm_projector.2', hidden, hidden),
    named('model.image_newline', hidden),
  ];
}

/** A tensor: its names in the checkpoints of Llama and of LLaDA, and its shape. */
interface Weight {
  readonly llama: string;
  readonly llada: string;
  readonly shape: readonly number[];
}

function weightsOf(config: LanguageConfig): Weight[] {
  const { hidden, layers, heads, keyHeads, headSize, intermediate, vocabulary, tied } = config;
  const queries = heads * headSize;
  const keys = keyHeads * headSize;
  const end = (llama: string, llada: string, ...shape: number[]): Weight => ({
    ...{ llama: `${llama}.weight`, llada: `model.transformer.${llada}.weight`, shape },
  });
  const layer = (i: number): Weight[] => {
    const each = (llama: string, llada: string, ...shape: number[]): Weight => ({
      llama: `model.layers.${i}.${llama}.weight`,
      llada: `model.transformer.blocks.${i}.${llada}.weight`,
      shape,
    });
    return [
      each('input_layernorm', 'attn_norm', hidden),
      each('self_attn.q_proj', 'q_proj', queries, hidden),
      each('self_attn.k_proj', 'k_proj', keys, hidden),
      each('self_attn.v_proj', 'v_proj', keys, hidden),
      each('self_attn.o_proj', 'attn_out', hidden, queries),
      each('post_attention_layernorm', 'ff_norm', hidden),
      each('mlp.gate_proj', 'ff_proj', intermediate, hidden),
      each('mlp.up_proj', 'up_proj', intermediate, hidden),
      each('mlp.down_proj', 'ff_out', hidden, intermediate),
    ];
  };
  return [
    end('model.embed_tokens', 'wte', vocabulary, hidden),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    end('model.norm', 'ln_f', hidden),
    ...(tied ? [] : [end('lm_head', 'ff_out', vocabulary, hidden)]),
  ];
}

/**
 * Writes a folder that looks like a checkpoint of LLaDA or LLaDA-V of any size: `config.json`, and random weights that
 * keep signals at their size, streamed to the disk. Matrices are uniform, norms are 1, biases 0.
 */
export async function writeRandomCheckpoint(
  folder: string,
  config: LanguageConfig,
  { names = 'llama', dtype = 'bf16', shards = 1, seed = 1, visual }: RandomCheckpointOptions = {},
): Promise<void> {
  const file = { ...configFile(config, names), ...(visual && visualConfigFile(visual)) };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(file, null, 2)}\n`);
  const weights = [...weightsOf(config), ...(visual ? visualWeightsOf(visual) : [])];
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = shards === 1 ? 'model.safetensors' : `model-${shard + 1}-of-${shards}.safetensors`;
    const held = weights.filter((_, i) => i % shards === shard);
    for (const weight of held) map[weight[names]] = file;
    const handle = await open(join(folder, file), 'w');
    try {
      await writeWeights(handle, held, names, dtype, seed);
    } finally {
      await handle.close();
    }
  }
  if (shards === 1) return;
  const index = { metadata: {}, weight_map: map };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

/** FNV-1a. */
const hash = (text: string) =>
  [...text].reduce((sum, character) => Math.imul(sum ^ character.codePointAt(0)!, 0x0100_0193), 0x811c_9dc5);

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function writeWeights(
  handle: FileHandle,
  weights: readonly Weight[],
  names: 'llama' | 'llada',
  dtype: 'bf16' | 'f32',
  seed: number,
): Promise<void> {
  const bytesEach = dtype === 'bf16' ? 2 : 4;
  let end = 0;
  const header = Object.fromEntries(
    weights.map(({ [names]: name, shape }) => {
      const begin = end;
      end += bytesEach * sizeOf(shape);
      return [name, { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] }];
    }),
  );
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(8 * Math.ceil(json.length / 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await handle.write(length);
  await handle.write(text);
  const chunk = 2 ** 22;
  for (const { llama, shape } of weights) {
    // Its own numbers, whichever file it is in.
    let state = mixBits(seed ^ hash(llama)) | 1;
    const count = sizeOf(shape);
    // Variance 1 / inputs.
    const scale = Math.sqrt((3 * shape[0]!) / count) / 2 ** 31;
    for (let start = 0; start < count; start += chunk) {
      const part = new Float32Array(Math.min(chunk, count - start)).fill(llama.endsWith('.bias') ? 0 : 1);
      if (shape.length > 1) {
        for (let i = 0; i < part.length; i++) {
          // Marsaglia's xorshift.
          state ^= state << 13;
          state ^= state >>> 17;
          state ^= state << 5;
          part[i] = state * scale;
        }
      }
      const stored = dtype === 'f32' ? part : upperHalves(part);
      await handle.write(new Uint8Array(stored.buffer));
    }
  }
}

/** bf16 of numbers, by cutting off: a loop, as `from` with a function takes minutes for large models. */
function upperHalves({ buffer, length }: Float32Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(buffer);
  const halves = new Uint16Array(length);
  for (let i = 0; i < length; i++) halves[i] = words[i]! >>> 16;
  return halves;
}

/** The `config.json` of a configuration in one of the namings. */
export function configFile(config: LanguageConfig, names: 'llama' | 'llada'): Record<string, unknown> {
  const { hidden, layers, heads, keyHeads, headSize, intermediate, vocabulary } = config;
  const { ropeTheta, epsilon, maxPositions, maskId, tied } = config;
  const shared = {
    vocab_size: vocabulary,
    rope_theta: ropeTheta,
    rms_norm_eps: epsilon,
    mask_token_id: maskId,
  };
  if (names === 'llama') {
    return {
      ...{ hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads },
      ...{ num_key_value_heads: keyHeads, head_dim: headSize, intermediate_size: intermediate },
      ...{ max_position_embeddings: maxPositions, tie_word_embeddings: tied, hidden_act: 'silu', ...shared },
    };
  }
  return {
    ...{ d_model: hidden, n_layers: layers, n_heads: heads, n_kv_heads: keyHeads },
    ...{ mlp_hidden_size: intermediate, embedding_size: vocabulary, max_sequence_length: maxPositions },
    ...{
      weight_tying: tied,
      activation_type: 'silu',
      block_type: 'llama',
      layer_norm_type: 'rms',
      ...shared,
    },
  };
}

/** What the `config.json` of LLaDA-V tells of its vision encoder, with the sizes of the tower. */
export function visualConfigFile({ vision, pooling }: VisualConfig): Record<string, unknown> {
  const { imageSize, patch, width, layers, heads, intermediate, epsilon } = vision;
  return {
    mm_vision_tower: 'a tower',
    mm_projector_type: 'mlp2x_gelu',
    mm_spatial_pool_stride: pooling.stride,
    mm_spatial_pool_mode: 'bilinear',
    mm_newline_position: 'grid',
    vision_config: {
      ...{ image_size: imageSize, patch_size: patch, hidden_size: width, num_hidden_layers: layers + 1 },
      ...{ num_attention_heads: heads, intermediate_size: intermediate, layer_norm_eps: epsilon },
    },
  };
}
