import { OptionError } from '../../errors.js';
import type { ActivationOptions } from '../../ops/activation.js';

/** Refuses a fused activation, of which a rule does not see what went into it. @throws OptionError */
export function expectNoActivation(name: string, { activation = 'none' }: ActivationOptions): void {
  if (activation === 'none') return;
  throw new OptionError(`${name} with an activation has no gradient: call its function, not the operation`);
}
