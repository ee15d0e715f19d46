import { isObject } from '../../data/formats/safetensors-header.js';
import { FileFormatError } from '../../errors.js';

/**
 * The name of the architecture that a `config.json` is of. Files of version 0.1 have it under `kind`; those of Hugging
 * Face's form have neither.
 * @throws FileFormatError where the file holds no object, or the name is no string
 */
export function architectureOf(config: unknown, path: string): string | undefined {
  if (!isObject(config))
    throw new FileFormatError(`${path}: not an object with the configuration of a model`);
  const name = config.architecture ?? config.kind;
  if (name === undefined || typeof name === 'string') return name;
  throw new FileFormatError(`${path}: architecture is ${JSON.stringify(name)}, not a string`);
}

/**
 * A configuration under its present key.
 * @throws FileFormatError where it is of another architecture
 */
export function configOf(config: unknown, architecture: string, path: string): unknown {
  const found = architectureOf(config, path);
  if (found !== architecture) {
    throw new FileFormatError(
      `${path} is no configuration of a ${architecture} model${found === undefined ? '' : ` but of ${found}`}`,
    );
  }
  const { kind: _, ...rest } = config as Record<string, unknown>;
  return { ...rest, architecture };
}
