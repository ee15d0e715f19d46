import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExitStatus } from '../shared/exit-status.js';

const script = fileURLToPath(new URL('../../../../scripts/provide-driver.mjs', import.meta.url));

/** `tal setup`: runs the script that provides a software driver where there is no adapter, and ends as it does. */
export function setup(): void {
  const { status, error } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new ExitStatus(status ?? 1);
}
