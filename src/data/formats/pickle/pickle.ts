import { FileFormatError } from '../../../errors.js';
import type { ByteSource } from '../../files/byte-source.js';
import { PickleFault } from './fault.js';
import { MoreBytes, PickleInput } from './input.js';
import { type PickleHooks, PickleMachine } from './machine.js';
import { checkNesting } from './nesting.js';

export interface Unpickled {
  readonly value: unknown;
  /** Where the pickle ends in the file. */
  readonly end: number;
}

/**
 * Reads a pickle of plain data, protocols 0 to 5: None, booleans, numbers, text, bytes, lists, tuples, dictionaries and sets,
 * and what the hooks allow beside them. Any other name is refused; nothing of the file is run. The file is read in parts, and
 * large byte strings are read into memory of their own: nothing is held twice but the largest of them, for a moment.
 * @param offset where the pickle begins
 * @throws FileFormatError with the place in the file: where it is cut or damaged, names something that is not allowed, or
 *   stands for more than it can mean
 */
export async function unpickle(source: ByteSource, hooks: PickleHooks = {}, offset = 0): Promise<Unpickled> {
  const input = new PickleInput(source, offset);
  const machine = new PickleMachine(input, hooks);
  for (;;) {
    try {
      const value = machine.run();
      checkNesting(value, machine.count);
      return { value, end: input.offset };
    } catch (error) {
      if (error instanceof MoreBytes) await input.load(error);
      else throw refused(error, source.name, input.opcodeOffset);
    }
  }
}

function refused(error: unknown, name: string, offset: number): unknown {
  if (error instanceof PickleFault) {
    return new FileFormatError(`${name} ${error.message} (at byte ${offset})`, { cause: error });
  }
  // Of an array, a map or text that is longer than the engine can hold.
  if (error instanceof RangeError) {
    return new FileFormatError(`${name} holds a value that is too large (at byte ${offset})`, {
      cause: error,
    });
  }
  return error;
}
