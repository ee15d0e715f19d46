import { checkArguments, oneOf, text as textRule } from '../../arguments.js';

/**
 * How a sentence is parted into words:
 * - `words`: ours, as word vectors are trained: marks and clitics apart, hyphens part, no mark at the end;
 * - `split`: at spaces, marks stay with their words (Python's `str.split`, as 2D-TAN has it);
 * - `treebank`: as NLTK's `word_tokenize` parts one sentence (as VSLNet has it): marks and clitics apart, quotes as
 *   `` and ''.
 *
 * All are in lower case.
 */
export type Tokenization = 'words' | 'split' | 'treebank';

export const tokenizationRule = oneOf<Tokenization>('words', 'split', 'treebank');

/** In turn: a verb before "n't", that itself, a clitic, a word or number, a mark. */
const TOKEN = /\p{L}+?(?=n't\b)|n't\b|'(?:s|re|ve|ll|d|m)\b|[\p{L}\p{N}]+(?:[.,]\p{N}+)*|[^\s\p{L}\p{N}]/gu;

/** The words of a sentence in lower case. */
export function tokenize(sentence: string, tokenization: Tokenization = 'words'): string[] {
  checkArguments(
    'tokenize',
    { sentence, tokenization },
    { sentence: textRule, tokenization: tokenizationRule },
  );
  const text = sentence.normalize('NFC').toLowerCase();
  if (tokenization === 'split') return parted(text);
  return tokenization === 'treebank' ? treebank(text) : words(text);
}

const parted = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

function words(text: string): string[] {
  const plain = text
    .replace(/[‘’]/g, "'")
    .replace(/(?<=\p{L})[-‐‑](?=\p{L})/gu, ' ')
    .replace(/[.!?\s]+$/, '');
  return plain.match(TOKEN) ?? [];
}

/** The rules of the Penn Treebank as NLTK applies them, one after another, to text in lower case. */
const TREEBANK: readonly (readonly [RegExp, string])[] = [
  // Quotes that open.
  [/([«“‘„]|`+)/g, ' $1 '],
  [/^"/g, '``'],
  [/(``)/g, ' $1 '],
  [/([ ([{<])("|'{2})/g, '$1 `` '],
  [/'(?!re|ve|ll|m|t|s|d|n)([\p{L}\p{N}_])(?![\p{L}\p{N}_])/gu, "' $1"],
  // Marks. The stop at the end is parted, those within are not.
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/g, '$1 $2 $3 '],
  [/([:,])([^\d])/g, ' $1 $2'],
  [/([:,])$/g, ' $1 '],
  [/\.{2,}/g, ' $& '],
  [/[;@#$%&]/g, ' $& '],
  [/[?!]/g, ' $& '],
  [/([^'])' /g, "$1 ' "],
  [/\*/g, ' $& '],
  [/[\][(){}<>]/g, ' $& '],
  [/--/g, ' -- '],
  [/^|$/g, ' '],
  // Quotes that close, and clitics.
  [/([»”’])/g, ' $1 '],
  [/''/g, " '' "],
  [/"/g, " '' "],
  [/([^' ])('s|'m|'d|') /g, '$1 $2 '],
  [/([^' ])('ll|'re|'ve|n't) /g, '$1 $2 '],
  // Words that are two.
  [/(?<![\p{L}\p{N}_])(can)(not)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/(?<![\p{L}\p{N}_])(d)('ye)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/(?<![\p{L}\p{N}_])(gim|lem)(me)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/(?<![\p{L}\p{N}_])(gon|wan)(na)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/(?<![\p{L}\p{N}_])(got)(ta)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/(?<![\p{L}\p{N}_])(more)('n)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
  [/ ('t)(is|was)(?![\p{L}\p{N}_])/gu, ' $1 $2 '],
];

const treebank = (text: string): string[] =>
  parted(TREEBANK.reduce((part, [pattern, replacement]) => part.replace(pattern, replacement), text));
