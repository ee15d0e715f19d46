import { checkArgument, oneOf } from '../arguments.js';
import { NoAdapterError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import { activateCachedDriver } from './cached-driver.js';
import type { GPUAdapter, GPUAdapterInfo } from './webgpu.js';

/** `auto` takes hardware where there is any, a software driver otherwise. */
export type AdapterKind = 'auto' | 'hardware' | 'software';

export const adapterKinds: readonly AdapterKind[] = ['auto', 'hardware', 'software'];

/**
 * Dawn crashes when the object behind `navigator.gpu` is collected while a device of it lives, and Node
 * does not exit while it is held. So it is held here from the request of an adapter until `release`.
 */
const held = new Set<GPU>();

export interface OpenAdapter {
  readonly adapter: GPUAdapter;
  readonly languageFeatures: ReadonlySet<string>;
  /** Call after the device is destroyed: lets Node exit. */
  release(): void;
}

/**
 * Finds an adapter. `kind` defaults to the environment variable `TAL_ADAPTER`, then to `auto`.
 * @throws NoAdapterError where there is none of that kind; the message says what to install.
 * @throws OptionError for an unknown kind.
 */
export async function openAdapter(kind: AdapterKind = defaultAdapterKind()): Promise<OpenAdapter> {
  checkArgument('openAdapter', 'kind', kind, oneOf(...adapterKinds));
  const gpu = await findGpu();
  held.add(gpu);
  const release = () => void held.delete(gpu);
  const request = (options: GPURequestAdapterOptions) => gpu.requestAdapter(options).catch(() => null);
  const fits = (adapter: GPUAdapter | null) =>
    adapter && (kind === 'auto' || isSoftware(adapter.info) === (kind === 'software'));
  // The plain request comes first whatever the kind: Dawn offers lavapipe as a fallback only after one.
  let adapter = await request({ powerPreference: 'high-performance' });
  if (!fits(adapter)) adapter = await request({ forceFallbackAdapter: kind !== 'hardware' });
  if (!fits(adapter)) adapter = null;
  if (!adapter) {
    release();
    throw new NoAdapterError(noAdapterMessage(kind));
  }
  return { adapter, languageFeatures: gpu.wgslLanguageFeatures, release };
}

/** True for drivers that run on the CPU: lavapipe, SwiftShader, WARP. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const { isFallbackAdapter, device, description } = info;
  return isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render/i.test(`${device} ${description}`);
}

function defaultAdapterKind(): AdapterKind {
  const value = typeof process === 'undefined' ? undefined : process.env.TAL_ADAPTER;
  return (value || 'auto') as AdapterKind;
}

async function findGpu(): Promise<GPU> {
  if (typeof navigator !== 'undefined' && navigator.gpu) return navigator.gpu;
  if (typeof process === 'undefined' || !process.versions?.node) {
    throw new NoAdapterError('this browser has no WebGPU: use a current Chrome, Edge, Firefox or Safari');
  }
  activateCachedDriver();
  let dawn: typeof import('webgpu');
  try {
    dawn = await nodeModule('webgpu');
  } catch (cause) {
    throw new NoAdapterError('the npm package "webgpu" could not be loaded: run npm install webgpu', {
      cause,
    });
  }
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  return dawn.create([
    'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
    'disable-dawn-features=timestamp_quantization',
  ]);
}

function noAdapterMessage(kind: AdapterKind): string {
  if (kind === 'hardware') {
    return 'no hardware adapter: install the driver of your GPU, or use TAL_ADAPTER=software (or auto)';
  }
  if (typeof process !== 'undefined' && process.platform === 'linux') {
    return (
      'no WebGPU adapter: run "npx tal setup", which provides a software driver, or install a Vulkan driver: ' +
      'mesa-vulkan-drivers and libvulkan1 on Debian (12: from bookworm-backports) and Ubuntu, ' +
      'mesa-vulkan-drivers on Fedora, vulkan-swrast on Arch, mesa-vulkan-swrast on Alpine'
    );
  }
  return 'no WebGPU adapter: install or update the driver of your GPU';
}
