import { callback, checkArguments, listOf, objectWith, text } from '../../arguments.js';
import { TalError } from '../../errors.js';

const itemRule = objectWith<{ readonly id: string }>({ id: text });

/**
 * What `load` gives for each item of a batch, at once; what it throws names the item.
 * @throws OptionError; what `load` throws
 */
export async function loadItems<Item extends { readonly id: string }, T>(
  items: readonly Item[],
  load: (item: Item, place: number) => Promise<T>,
): Promise<T[]> {
  checkArguments('loadItems', { items, load }, { items: listOf(itemRule), load: callback });
  return Promise.all(
    items.map(async (item, place) => {
      try {
        return await load(item, place);
      } catch (error) {
        throw located(item.id, error);
      }
    }),
  );
}

/** The error with its place before the message, of the same class. */
function located(place: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${place}: ${error.message}`;
  if (!(error instanceof TalError)) return new Error(message, { cause: error });
  const Class = error.constructor as new (message: string, options: ErrorOptions) => TalError;
  return new Class(message, { cause: error });
}
