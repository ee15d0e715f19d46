import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The characters that byte-level vocabularies write the 256 bytes as: printable ones as themselves, then from U+0100. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** Ids that the tests name. */
export const smallIds = {
  bos: 400,
  eos: 401,
  headerStart: 402,
  headerEnd: 403,
  eot: 404,
  /** Of `<|reserved_token_0|>`; 100 of them, the time tokens of the configuration `tiny`. */
  reserved: 410,
  mask: 511,
  /** Of the blank line, two merged bytes. */
  blank: 256,
  /** Of "ju", "mp" and "jump". */
  ju: 257,
  mp: 258,
  jump: 259,
} as const;

/** A byte-level BPE tokenizer with a few merges and LLaDA's special tokens, as `tokenizer.json` holds it. */
export function smallTokenizer() {
  const vocab = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
  const newline = byteCharacters()[10]!;
  const merges: [string, string][] = [
    [newline, newline],
    ['j', 'u'],
    ['m', 'p'],
    ['ju', 'mp'],
  ];
  for (const [i, pair] of merges.entries()) vocab[pair.join('')] = 256 + i;
  const { bos, eos, headerStart, headerEnd, eot, mask, reserved } = smallIds;
  return {
    version: '1.0',
    added_tokens: [
      special(bos, '<|startoftext|>'),
      special(eos, '<|endoftext|>'),
      special(headerStart, '<|start_header_id|>'),
      special(headerEnd, '<|end_header_id|>'),
      special(eot, '<|eot_id|>'),
      special(mask, '<|mdm_mask|>'),
      ...Array.from({ length: 100 }, (_, i) => special(reserved + i, `<|reserved_token_${i}|>`)),
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab, merges, unk_token: null as string | null, byte_fallback: false },
  };
}

/** As `tokenizer_config.json` holds it; the cleaning up that it asks for would change answers. */
export const smallTokenizerConfig = { clean_up_tokenization_spaces: true, eos_token: '<|endoftext|>' };

/** Writes both files to a folder, which is made. */
export function writeTokenizer(folder: string, tokenizer: unknown = smallTokenizer()): string {
  mkdirSync(folder, { recursive: true });
  const bytes = tokenizer instanceof Uint8Array ? tokenizer : JSON.stringify(tokenizer);
  writeFileSync(join(folder, 'tokenizer.json'), bytes);
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(smallTokenizerConfig));
  return folder;
}
