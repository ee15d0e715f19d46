import { checkFields, checkNames, described, listed, object, type Rules } from '../arguments.js';
import { OptionError, TalError } from '../errors.js';
import type { Runtime } from '../tensor/runtime.js';
import { checkTensor, type Tensor } from '../tensor/tensor.js';

/** What a function takes, as data: the check of its calls needs nothing else. */
export interface Signature<Inputs, Options> {
  /** Whether each operand must be given. */
  readonly operands: OperandKinds<Inputs>;
  readonly options: Rules<Options>;
}

/** `any`: operands of any name, all of them optional. */
export type OperandKinds<Inputs> = string extends keyof Inputs
  ? 0 extends 1 & Inputs
    ? // biome-ignore lint/suspicious/noExplicitAny: of any operation
      any
    : 'any'
  : { readonly [Name in keyof Inputs]-?: undefined extends Inputs[Name] ? 'optional' : 'required' };

/** Named tensors: what every object of operands is, whatever names its own type has. */
export type Tensors = Readonly<Record<string, Tensor | undefined>>;

/**
 * Checks the operands of a call: that they are an object without names that are not known, and tensors of one runtime
 * that are not disposed.
 * @param where the function that was called
 * @param runtime theirs where it is known before
 * @returns the runtime of the operands; undefined where there are none
 * @throws OptionError, ReleasedError
 */
export function checkOperands<Inputs>(
  where: string,
  given: Inputs,
  kinds: OperandKinds<Inputs>,
  runtime?: Runtime,
): Runtime | undefined {
  const tensors: unknown = given;
  if (!object.accepts(tensors)) {
    const names = listed(namesOf(kinds, 'required'), 'and');
    throw new OptionError(
      `${where}: the operands must be an object with ${names}, not ${described(tensors)}`,
    );
  }
  const known = (kinds === 'any' ? tensors : kinds) as Readonly<Record<string, unknown>>;
  for (const name in tensors) {
    if (!Object.hasOwn(known, name)) checkNames(where, tensors, Object.keys(known), 'operand');
  }
  let owner = runtime;
  for (const name in known) {
    const tensor = tensors[name];
    if (tensor === undefined && known[name] !== 'required') continue;
    checkTensor(where, name, tensor);
    owner ??= tensor.runtime;
    if (tensor.runtime !== owner) {
      throw new OptionError(`${where}: ${name} ${tensor} belongs to another runtime`);
    }
  }
  return owner;
}

/** Checks the operands and options of a call. @throws OptionError, ReleasedError */
export function checkCall<Inputs, Options>(
  where: string,
  { operands, options: rules }: Signature<Inputs, Options>,
  inputs: Inputs,
  options: Options,
): void {
  checkOperands(where, inputs, operands);
  checkFields(where, options, rules as Rules<object>);
}

/** Runs `body`, and has the errors that it throws begin with the function that was called. */
export function within<T>(where: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TalError) || error.message.startsWith(`${where}: `)) throw error;
    const Kind = error.constructor as new (message: string, options: ErrorOptions) => TalError;
    throw new Kind(`${where}: ${error.message}`, 'cause' in error ? { cause: error.cause } : {});
  }
}

function namesOf(kinds: object | string, kind: 'required' | 'optional'): string[] {
  return Object.entries(kinds).flatMap(([name, own]) => (own === kind ? [name] : []));
}
