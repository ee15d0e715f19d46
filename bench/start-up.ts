import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from './measure.js';

/** Milliseconds of each part of the way from the start of a process to its first result. */
export interface StartUp {
  /** Node itself and the modules of the package. */
  readonly modules: number;
  /** Loading Dawn and the driver, and opening the device. */
  readonly adapter: number;
  /** Making the model and uploading its weights. */
  readonly weights: number;
  /** Composing and compiling the pipelines, all in parallel. */
  readonly compilation: number;
  /** The first run, until its result is in JavaScript. */
  readonly firstRun: number;
  readonly total: number;
  /** Pipelines that the step needs: no others are compiled. */
  readonly pipelines: number;
}

/** Switches off what drivers keep of earlier compilations. */
const withoutShaderCache = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/** Starts a process for each round; `cold` ones find no compiled shaders of earlier processes. */
export async function measureStartUp(rounds: number, cold: boolean): Promise<StartUp> {
  const probe = fileURLToPath(new URL('start-up-probe.js', import.meta.url));
  const runs: StartUp[] = [];
  // The first fills the caches of the disk, and of the driver.
  for (let round = -1; round < rounds; round++) {
    const env = { ...process.env, ...(cold && withoutShaderCache) };
    const { stdout } = await promisify(execFile)(process.execPath, [probe], { env });
    const { loaded, opened, weights, compiled, result, pipelines } = JSON.parse(stdout);
    if (round < 0) continue;
    runs.push({
      modules: loaded,
      adapter: opened - loaded,
      weights: weights - opened,
      compilation: compiled - weights,
      firstRun: result - compiled,
      total: result,
      pipelines,
    });
  }
  const parts = Object.keys(runs[0]!) as (keyof StartUp)[];
  return Object.fromEntries(parts.map((part) => [part, median(runs.map((run) => run[part]))])) as never;
}

export function printStartUp(name: string, times: StartUp): void {
  const { pipelines, total, ...parts } = times;
  const split = Object.entries(parts).map(([part, ms]) => `${part} ${ms.toFixed(0)}`);
  console.log(
    `${name}: ${total.toFixed(0)} ms to the first result = ${split.join(' + ')}; ${pipelines} pipelines`,
  );
}
