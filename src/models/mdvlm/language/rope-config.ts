import type { JsonRecord } from '../../../data/formats/json-record.js';
import { isObject } from '../../../data/formats/safetensors-header.js';

/** Keys of the parameters of a rotary embedding: since version 5 of transformers, and before. */
const keys = ['rope_parameters', 'rope_scaling'] as const;

/** Keys that make a rotary embedding of the type `default` another one, with the values that do not. */
const variants: Readonly<Record<string, readonly unknown[]>> = {
  partial_rotary_factor: [1],
  mrope_section: [],
};

/**
 * θ of the rotary position embedding of a `config.json`: `rope_theta`, beside the sizes or, as version 5 of transformers
 * writes it, in `rope_parameters`; there it may be told for each type of layer (`full_attention`, …).
 * @throws FileFormatError that names the key where θ is missing or told in different ways, and where positions are scaled
 *   (`rope_type` `linear`, `dynamic`, `yarn`, `longrope`, `llama3`, …), have several axes, or turn only a part of a head
 */
export function ropeTheta(record: JsonRecord): number {
  const thetas = new Set<number>();
  const take = (part: JsonRecord) => {
    if (!part.absent('rope_theta')) thetas.add(part.positive('rope_theta'));
  };
  take(record);
  refuseVariants(record, record);
  for (const key of keys.filter((key) => !record.absent(key))) {
    for (const part of parts(record, record.record(key))) {
      const type = part.value('rope_type') ?? part.value('type') ?? 'default';
      if (type !== 'default') {
        const value = JSON.stringify(record.value(key));
        throw record.error(`${key} is ${value}: rope_type ${JSON.stringify(type)} is not supported`);
      }
      refuseVariants(part, record);
      take(part);
    }
  }
  if (thetas.size > 1) throw record.error(`rope_theta has several values: ${[...thetas].join(', ')}`);
  const [theta] = thetas;
  return theta ?? record.positive('rope_theta');
}

/** The objects that hold parameters: `given` itself, or those in it that are for types of layers which the model has. */
function parts(record: JsonRecord, given: JsonRecord): JsonRecord[] {
  const nested = given.names.filter((name) => isObject(given.value(name)));
  const types = record.absent('layer_types') ? nested : record.texts('layer_types');
  const own = nested.length < given.names.length ? [given] : [];
  return [...own, ...nested.filter((name) => types.includes(name)).map((name) => given.record(name))];
}

function refuseVariants(part: JsonRecord, record: JsonRecord): void {
  for (const [key, same] of Object.entries(variants)) {
    if (part.absent(key) || same.includes(part.value(key))) continue;
    throw record.error(`${key} is ${JSON.stringify(part.value(key))}, which this network does not have`);
  }
}
