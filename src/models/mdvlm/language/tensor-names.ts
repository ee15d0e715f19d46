import { checkArgument, text } from '../../../arguments.js';

/** Parts of a vision-language checkpoint that are not the language model. */
const otherParts = /^(model\.)?(vision_tower|mm_projector|multi_modal_projector|image_newline)\b/;

/** What stands before the names of a language model in a checkpoint of transformers' own vision-language classes. */
const nestedPrefixes: readonly [nested: RegExp, plain: string][] = [
  [/^(model\.language_model|language_model\.model)\./, 'model.'],
  [/^language_model\.lm_head\./, 'lm_head.'],
];

/** Layers of LLaDA's own checkpoints (those of OLMo), and what they are called in Llama's. */
const llamaLayers: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  q_proj: 'self_attn.q_proj',
  k_proj: 'self_attn.k_proj',
  v_proj: 'self_attn.v_proj',
  attn_out: 'self_attn.o_proj',
  ff_norm: 'post_attention_layernorm',
  ff_proj: 'mlp.gate_proj',
  up_proj: 'mlp.up_proj',
  ff_out: 'mlp.down_proj',
};

/** The same outside of the blocks. */
const llamaEnds: Readonly<Record<string, string>> = {
  wte: 'model.embed_tokens',
  ln_f: 'model.norm',
  ff_out: 'lm_head',
};

/** A name without what PEFT puts before it. */
export const withoutAdapterPrefix = (stored: string): string => stored.replace(/^base_model\.model\./, '');

/**
 * What `LanguageModel` calls a tensor of a checkpoint: Llama's and LLaDA-V's names stay as they are, those of
 * LLaDA-8B-Base and -Instruct become them, what PEFT puts before either is left out. An unknown name stays too.
 * @returns undefined for what belongs to the vision tower and its projector
 * @throws OptionError
 */
export function languageTensorName(stored: string): string | undefined {
  checkArgument('languageTensorName', 'stored', stored, text);
  const bare = withoutAdapterPrefix(stored);
  const name = nestedPrefixes.reduce((name, [nested, plain]) => name.replace(nested, plain), bare);
  if (otherParts.test(name)) return undefined;
  const [, block, layer = ''] =
    /^model\.transformer\.(?:blocks\.(\d+)\.)?([a-z_]+)\.weight$/.exec(name) ?? [];
  const renamed = block === undefined ? llamaEnds[layer] : llamaLayers[layer];
  if (!renamed) return name;
  return block === undefined ? `${renamed}.weight` : `model.layers.${block}.${renamed}.weight`;
}
