import {
  callback,
  checkArgument,
  checkArguments,
  either,
  instanceOf,
  integer,
  object,
  objectWith,
  onlyFields,
  path as pathRule,
  type Rule,
  rule,
  text as textRule,
} from '../../../arguments.js';
import { openFolder, readJsonIn, type SourceFolder } from '../../../data/files/source-folder.js';
import { JsonRecord } from '../../../data/formats/json-record.js';
import { FileFormatError, OptionError } from '../../../errors.js';
import { TimeTokens } from '../time-tokens.js';

/** What is used of the library, whose own types Node's resolution does not find. */
export interface TextTokenizer {
  encode(
    text: string,
    options: { add_special_tokens: boolean },
  ): { readonly ids: readonly (number | undefined)[]; readonly tokens: readonly string[] };
  decode(
    ids: readonly number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
}

/** The two files of a tokenizer, parsed. */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer: unknown;
  /** `tokenizer_config.json` */
  readonly config: unknown;
}

const libraryRule: Rule<TextTokenizer> = objectWith<TextTokenizer>(
  { encode: callback, decode: callback, id_to_token: callback, token_to_id: callback },
  'a tokenizer of @huggingface/tokenizers',
);

const idsRule: Rule<Iterable<number>> = rule(
  'an iterable of integers',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);

const anyInteger = integer();

/** Special tokens that stand in for others, and so may become time tokens. */
const RESERVED = /^<\|reserved_token_\d+\|>$/;

/** Text to ids and back, with time tokens: `<t12>` in texts is one id. */
export class Tokenizer {
  /**
   * @param name what messages call it
   * @throws OptionError where a time token would take the id of a token that is not reserved
   */
  constructor(
    readonly name: string,
    private readonly tokenizer: TextTokenizer,
    readonly times: TimeTokens,
  ) {
    checkArguments(
      'Tokenizer',
      { name, tokenizer, times },
      { name: textRule, tokenizer: libraryRule, times: instanceOf(TimeTokens, 'a TimeTokens') },
    );
    for (let index = 0; index < times.count; index++) {
      const id = times.id(index);
      const token = tokenizer.id_to_token(id);
      if (token === undefined || RESERVED.test(token)) continue;
      throw new OptionError(
        `${times.text(index)} would be id ${id}, which ${name} uses for ${JSON.stringify(token)}`,
      );
    }
  }

  /**
   * The ids of a text, nothing added to it. Time tokens and special tokens that stand in it become their ids.
   * @throws FileFormatError where the vocabulary lacks a piece of the text
   */
  encode(text: string): number[] {
    checkArgument('Tokenizer.encode', 'text', text, textRule);
    return this.times.split(text).flatMap((piece) => {
      if (typeof piece === 'number') return this.times.id(piece);
      const { ids, tokens } = this.tokenizer.encode(piece, { add_special_tokens: false });
      return ids.map((id, i) => {
        if (id !== undefined) return id;
        throw new FileFormatError(`${this.name} has no id for ${JSON.stringify(tokens[i])}`);
      });
    });
  }

  /**
   * The text of ids: `<t12>` for time tokens; other special tokens, and ids that stand for nothing (a model has
   * more rows than tokens), are left out.
   */
  decode(ids: Iterable<number>): string {
    checkArgument('Tokenizer.decode', 'ids', ids, idsRule);
    const texts: string[] = [];
    let run: number[] = [];
    const close = () => {
      if (run.length > 0) texts.push(this.decodeText(run));
      run = [];
    };
    for (const id of ids) {
      checkArgument('Tokenizer.decode', 'ids', id, anyInteger);
      const index = this.times.indexOf(id);
      if (index !== undefined) {
        close();
        texts.push(this.times.text(index));
      } else if (this.tokenizer.id_to_token(id) !== undefined) run.push(id);
    }
    close();
    return texts.join('');
  }

  private decodeText(ids: readonly number[]): string {
    // Cleaning up would take the space out of " ," and the like: the answer is given as the model wrote it.
    return this.tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }

  /** The id of a token by its entry in the vocabulary, or undefined where there is none. */
  find(token: string): number | undefined {
    checkArgument('Tokenizer.find', 'token', token, textRule);
    return this.tokenizer.token_to_id(token);
  }

  /** The id of a special token, such as `<|eot_id|>`. @throws FileFormatError where there is none */
  id(token: string): number {
    checkArgument('Tokenizer.id', 'token', token, textRule);
    const id = this.find(token);
    if (id !== undefined) return id;
    throw new FileFormatError(`${this.name} has no token ${token}: is it the tokenizer of another model?`);
  }
}

const filesRule = onlyFields<TokenizerFiles>({ tokenizer: object, config: object });

/**
 * Loads a tokenizer of byte pairs (BPE) as Hugging Face stores it.
 * @param source the folder of a model with `tokenizer.json` and `tokenizer_config.json`, or what these hold
 * @throws FileAccessError where a file is missing, FileFormatError where it is damaged or of a kind that is not
 *   known, OptionError as `Tokenizer`
 */
export async function loadTokenizer(
  source: string | TokenizerFiles,
  times: TimeTokens = new TimeTokens(),
): Promise<Tokenizer> {
  checkArguments(
    'loadTokenizer',
    { source, times },
    { source: either(pathRule, filesRule), times: instanceOf(TimeTokens, 'a TimeTokens') },
  );
  return typeof source === 'string'
    ? loadTokenizerIn(await openFolder(source), times)
    : made(source, 'tokenizer', times);
}

/** As `loadTokenizer`, for a folder that is open. */
export async function loadTokenizerIn(folder: SourceFolder, times: TimeTokens): Promise<Tokenizer> {
  const [tokenizer, config] = await Promise.all([
    readJsonIn(folder, 'tokenizer.json'),
    readJsonIn(folder, 'tokenizer_config.json'),
  ]);
  return made({ tokenizer, config }, folder.pathOf('tokenizer.json'), times);
}

async function made(
  { tokenizer, config }: TokenizerFiles,
  name: string,
  times: TimeTokens,
): Promise<Tokenizer> {
  checkFile(new JsonRecord(tokenizer, name));
  // Loaded when it is used: pages that need no tokenizer need not have it.
  const { Tokenizer: TextTokenizer } = await import('@huggingface/tokenizers');
  let library: TextTokenizer;
  try {
    library = new TextTokenizer(tokenizer as object, config as object);
  } catch (cause) {
    throw new FileFormatError(`${name} makes no tokenizer: ${(cause as Error).message}`, { cause });
  }
  return new Tokenizer(name, library, times);
}

/** The library takes any value for an id, and guesses where it does not know the model. @throws FileFormatError */
function checkFile(file: JsonRecord): void {
  const model = file.record('model');
  if (model.text('type') !== 'BPE') throw model.error(`type is ${model.text('type')}, not BPE`);
  const vocabulary = model.record('vocab');
  for (const token of vocabulary.names) vocabulary.integer(token, 0);
  for (const added of file.records('added_tokens')) {
    added.integer('id', 0);
    added.string('content');
  }
}
