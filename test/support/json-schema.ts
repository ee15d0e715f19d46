/** A schema, as far as `data/dataset.schema.json` uses the language. */
export type Schema = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
};

/** Keywords, each with its check; those that only describe are passed over, and unknown ones are an error. */
const keywords: Readonly<
  Record<string, (wanted: never, value: unknown, root: Schema, schema: Schema) => boolean>
> = {
  type: (wanted: string, value) => types[wanted]!(value),
  const: (wanted: unknown, value) => value === wanted,
  enum: (wanted: readonly unknown[], value) => wanted.includes(value),
  pattern: (wanted: string, value) => typeof value !== 'string' || new RegExp(wanted, 'u').test(value),
  minimum: (wanted: number, value) => typeof value !== 'number' || value >= wanted,
  maximum: (wanted: number, value) => typeof value !== 'number' || value <= wanted,
  exclusiveMinimum: (wanted: number, value) => typeof value !== 'number' || value > wanted,
  minItems: (wanted: number, value) => !Array.isArray(value) || value.length >= wanted,
  minProperties: (wanted: number, value) => !isObject(value) || Object.keys(value).length >= wanted,
  uniqueItems: (wanted: boolean, value) =>
    !wanted || !Array.isArray(value) || new Set(value).size === value.length,
  required: (wanted: readonly string[], value) =>
    !isObject(value) || wanted.every((name) => Object.hasOwn(value, name)),
  items: (wanted: Schema, value, root) =>
    !Array.isArray(value) || value.every((item) => fits(wanted, item, root)),
  propertyNames: (wanted: Schema, value, root) =>
    !isObject(value) || Object.keys(value).every((name) => fits(wanted, name, root)),
  properties: (wanted: Readonly<Record<string, Schema>>, value, root) =>
    !isObject(value) ||
    Object.entries(wanted).every(
      ([name, schema]) => !Object.hasOwn(value, name) || fits(schema, value[name], root),
    ),
  additionalProperties: (wanted: Schema | false, value, root, schema) =>
    !isObject(value) ||
    Object.entries(value)
      .filter(([name]) => !Object.hasOwn((schema.properties ?? {}) as object, name))
      .every(([, one]) => wanted !== false && fits(wanted, one, root)),
  allOf: (wanted: readonly Schema[], value, root) => wanted.every((schema) => fits(schema, value, root)),
  anyOf: (wanted: readonly Schema[], value, root) => wanted.some((schema) => fits(schema, value, root)),
  not: (wanted: Schema, value, root) => !fits(wanted, value, root),
  $ref: (wanted: string, value, root) =>
    fits((root.$defs as Readonly<Record<string, Schema>>)[wanted.replace('#/$defs/', '')]!, value, root),
};
const describing = ['$schema', '$defs', 'title', 'description'];

/** Whether a value is as a schema says. */
export function fits(schema: Schema, value: unknown, root: Schema = schema): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    if (describing.includes(keyword)) return true;
    const check = keywords[keyword];
    if (!check) throw new Error(`no check of the keyword ${keyword}`);
    return check(wanted as never, value, root, schema);
  });
}
