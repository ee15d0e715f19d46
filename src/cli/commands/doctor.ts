import { cachedDriver } from '../../gpu/cached-driver.js';
import { Runtime } from '../../tensor/runtime.js';
import { ExitStatus, interrupted } from '../shared/exit-status.js';
import { type SelfTestOptions, selfTest } from '../shared/self-test.js';
import { readSelfTestCases } from '../shared/self-test-cases.js';
import { LiveLine } from '../views/live-line.js';

/** Limits that decide what can run. */
const shownLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/**
 * `tal doctor`: what this machine offers, and whether every kernel gives the right answer on it, an operation a line as
 * they are tested. Ends at once when it is interrupted.
 */
export async function doctor({ quick = false }: SelfTestOptions = {}): Promise<void> {
  // A driver that compiles may keep the process from ending by itself.
  const interrupt = () => process.exit(interrupted);
  process.on('SIGINT', interrupt);
  const runtime = await Runtime.create();
  try {
    const { traits } = runtime;
    const driver = cachedDriver();
    const subgroups = traits.subgroups
      ? `${traits.subgroupMinSize} to ${traits.subgroupMaxSize} lanes`
      : 'no';
    print('adapter', `${traits.vendor} ${traits.architecture} (${traits.deviceClass})`);
    print('driver', traits.description);
    if (driver) print('driver from', `${driver.path} (${driver.kind})`);
    print('subgroups', subgroups);
    print('f16', traits.f16 ? 'yes' : 'no');
    print('timestamps', traits.timestamps ? 'yes' : 'no');
    print('parameters', traits.immediates ? 'immediates' : 'uniform ring');
    print('features', [...runtime.gpu.device.features].join(', '));
    for (const name of shownLimits) print(name, traits.limits[name].toLocaleString('en'));

    const tested = quick ? 'one kernel of every operation' : 'every kernel';
    console.log(`\nself-test of ${tested} against stored double-precision answers:`);
    const wrong = await printSelfTest(runtime, quick);
    const right = quick ? 'the tested kernels are right' : 'all kernels right';
    console.log(
      wrong === 0 ? `\n${right}` : `\n${wrong} kernels wrong: please report this with the lines above`,
    );
    if (wrong > 0) throw new ExitStatus(1);
  } finally {
    process.off('SIGINT', interrupt);
    runtime.destroy();
  }
}

/** Prints each operation when it has been tested, and on a terminal what is being tested. @returns the wrong kernels */
async function printSelfTest(runtime: Runtime, quick: boolean): Promise<number> {
  const cases = await readSelfTestCases();
  const line = new LiveLine();
  const variants = new Map<string, string | undefined>();
  const total = new Set(cases.map(({ operation }) => operation)).size;
  let current = '';
  let done = 0;
  let wrong = 0;
  const finish = () => {
    if (variants.size === 0) return;
    line.stop();
    print(
      current,
      [...variants].map(([name, fault]) => `${name} ${fault ? `WRONG (${fault})` : 'ok'}`).join(', '),
    );
    wrong += [...variants.values()].filter(Boolean).length;
    variants.clear();
    done++;
  };
  const onStart = (operation: string, variant: string) => {
    if (operation !== current) finish();
    current = operation;
    // Elsewhere the results are the progress.
    if (process.stderr.isTTY) line.show(`  ${done + 1} of ${total}: ${operation}, ${variant}`);
  };
  try {
    for await (const { variant, fault } of selfTest(runtime, cases, { quick, onStart })) {
      variants.set(variant, variants.get(variant) ?? fault);
    }
    finish();
  } finally {
    line.stop();
  }
  return wrong;
}

function print(name: string, value: string): void {
  console.log(`  ${name.padEnd(34)}${value}`);
}
