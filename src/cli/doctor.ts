import { cachedDriver } from '../gpu/cached-driver.js';
import { Runtime } from '../tensor/runtime.js';
import { selfTest } from './self-test.js';
import { selfTestCases } from './self-test-cases.js';

/** Limits that decide what can run. */
const shownLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** `tal doctor`: what this machine offers, and whether every kernel gives the right answer on it. */
export async function doctor(): Promise<void> {
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

    console.log('\nself-test of every kernel against stored double-precision answers:');
    const faults = new Map<string, Map<string, string | undefined>>();
    for await (const { operation, variant, fault } of selfTest(runtime, selfTestCases)) {
      const variants = faults.get(operation) ?? new Map();
      faults.set(operation, variants.set(variant, variants.get(variant) ?? fault));
    }
    let wrong = 0;
    for (const [operation, variants] of faults) {
      const results = [...variants].map(([variant, fault]) => {
        if (fault) wrong++;
        return fault ? `${variant} WRONG (${fault})` : `${variant} ok`;
      });
      print(operation, results.join(', '));
    }
    console.log(
      wrong === 0
        ? '\nall kernels right'
        : `\n${wrong} kernels wrong: please report this with the lines above`,
    );
    if (wrong > 0) process.exitCode = 1;
  } finally {
    runtime.destroy();
  }
}

function print(name: string, value: string): void {
  console.log(`  ${name.padEnd(34)}${value}`);
}
