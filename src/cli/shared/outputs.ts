import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  ensureFolder,
  ensureWritable,
  isStandardOutput,
  outputIdentity,
  standardOutput,
} from '../../data/files/output-file.js';
import { OptionError } from '../../errors.js';

/** Paths by the option that names them, as people write it: `--json`. */
export type Paths = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Checks the outputs of a command before its work, against its inputs and each other. Where one of them is standard
 * output, all that the command prints goes to standard error, so that standard output is that document alone.
 * @param inputs files and folders that the command reads
 * @throws FileAccessError where an output cannot be written
 * @throws OptionError where two outputs are one file, or an output is an input
 */
export async function checkOutputs(outputs: Paths, inputs: Paths = {}): Promise<void> {
  const seen = new Map<string, string>();
  for (const [option, path] of pairs(outputs)) {
    await ensureWritable(path);
    const identity = await outputIdentity(path);
    if (identity === undefined) continue;
    const other = seen.get(identity);
    if (other !== undefined) throw new OptionError(`${other} and ${option} name the same file, ${path}`);
    seen.set(identity, option);
    for (const [inputOption, input] of pairs(inputs)) {
      if (!reads(input, path, identity)) continue;
      throw new OptionError(`${option} names ${path}, which ${inputOption} reads: give another name`);
    }
  }
  for (const [, path] of pairs(outputs)) if (await isStandardOutput(path)) printToStandardError();
}

/**
 * Makes the folder that a command writes to, and checks its files as `checkOutputs` does.
 * @param files names of what the command writes in it
 * @throws FileAccessError, OptionError
 */
export async function checkOutputFolder(
  folder: string,
  files: readonly string[],
  inputs: Paths = {},
): Promise<void> {
  if (folder === standardOutput) {
    throw new OptionError('--out takes a folder: - is standard output, use ./- for a folder of that name');
  }
  await ensureFolder(folder, files);
  await checkOutputs(
    Object.fromEntries(files.map((file) => [`${file} of --out`, join(folder, file)])),
    inputs,
  );
}

/** Whether a name is no file's, so that its ending says nothing of what goes there. */
export function isStreamName(path: string): boolean {
  if (path === standardOutput) return true;
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && !status.isFile() && !status.isDirectory();
}

function pairs(paths: Paths): [option: string, path: string][] {
  return Object.entries(paths).flatMap(([option, given]) =>
    (typeof given === 'string' ? [given] : (given ?? [])).map((path): [string, string] => [option, path]),
  );
}

/** What the folders of models and recordings hold beside weights; other files in them are no inputs. */
const readNames =
  /\.(safetensors|bin)$|\.index\.json$|^queries-.*\.jsonl$|config\.json$|^(classes|prior|tokenizer|special_tokens_map|vocab|added_tokens).*\.json$/;

/** Whether an input is the file, or a folder whose file that is. */
function reads(input: string, output: string, identity: string): boolean {
  const status = statSync(input, { bigint: true, throwIfNoEntry: false });
  if (!status?.isDirectory()) return status !== undefined && `${status.dev}:${status.ino}` === identity;
  if (!existsSync(output)) return false;
  const file = realpathSync(output);
  if (dirname(file) !== realpathSync(input)) return false;
  return readNames.test(basename(file)) || existsSync(file.replace(/\.json$/, '_i16.bin'));
}

/** For a command whose document goes to standard output. */
function printToStandardError(): void {
  globalThis.console = { ...console, log: console.error };
}
