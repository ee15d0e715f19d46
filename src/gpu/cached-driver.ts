import { builtins, userCache } from './user-cache.js';

/**
 * Vulkan software drivers that `tal setup` (scripts/provide-driver.mjs) unpacked into the user's cache, on Linux machines
 * where nobody can install one. The script reads the same folder and the same driver.json.
 */

/** lavapipe as the script unpacked it. */
export interface CachedDriver {
  readonly kind: 'lavapipe';
  /** Its ICD file, in the sense of `VK_DRIVER_FILES`. */
  readonly path: string;
  /** The Vulkan loader and what loader and driver need, each after the libraries that it needs itself. */
  readonly libraries: readonly string[];
}

/** Node's modules where this is Node on Linux. */
const node = builtins && process.platform === 'linux' ? builtins : undefined;

/** The cached driver, if there is a whole one for this system and the environment names no other. */
export function cachedDriver(): CachedDriver | undefined {
  const driver = readCachedDriver();
  return driver && !chosenByUser() ? driver : undefined;
}

/** The ICD file of the SwiftShader that `provide-driver.mjs --with-swiftshader` unpacked for the tests. */
export function cachedSwiftShader(): string | undefined {
  const icd = node?.path.join(driverCache(), 'swiftshader', 'vk_swiftshader_icd.json');
  return icd && node?.fs.existsSync(icd) ? icd : undefined;
}

/**
 * Makes the cached driver, if there is one, visible to Dawn. Call before Dawn looks for adapters; does nothing
 * outside Node on Linux.
 *
 * The system's own drivers stay visible, so a GPU that came later is found. Where `VK_DRIVER_FILES` or
 * `VK_ICD_FILENAMES` is set, that choice stands and only the cached Vulkan loader is of use.
 */
export function activateCachedDriver(): void {
  if (!node) return;
  process.env.XDG_RUNTIME_DIR ??= node.os.tmpdir(); // lavapipe warns where it is unset
  const driver = readCachedDriver();
  if (!driver) return;

  // Dawn opens "libvulkan.so.1", and the driver its libraries, by bare name. The dynamic linker reads
  // LD_LIBRARY_PATH only when a process starts, but a bare name also finds a library that is loaded already.
  // Node closes what turns out to be no module of its own: RTLD_NODELETE keeps it loaded.
  const RTLD_NODELETE = 0x1000;
  for (const library of driver.libraries) {
    try {
      process.dlopen({ exports: {} }, library, node.os.constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    } catch {
      // "Module did not self-register", as expected. A library that failed to load shows as a missing adapter.
    }
  }
  if (!chosenByUser()) process.env.VK_ADD_DRIVER_FILES ??= driver.path;
}

/**
 * The folder of the unpacked drivers in the user's cache; only where this is Node on Linux. A home folder may be
 * shared by machines of different systems, so each system has its own.
 */
export function driverCache(): string {
  if (!node) throw new Error('drivers are cached on Linux, by Node, only');
  const { fs, path } = node;
  const osRelease = ['/etc/os-release', '/usr/lib/os-release'].find((file) => fs.existsSync(file));
  const text = osRelease ? fs.readFileSync(osRelease, 'utf8') : '';
  const field = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? 'unknown';
  return path.join(userCache(node), `${field('ID')}-${field('VERSION_ID')}-${process.arch}`);
}

function chosenByUser(): boolean {
  return Boolean(process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES);
}

function readCachedDriver(): CachedDriver | undefined {
  if (!node) return undefined;
  const { fs, path } = node;
  try {
    const text = fs.readFileSync(path.join(driverCache(), 'vulkan', 'driver.json'), 'utf8');
    const { icd, libraries } = JSON.parse(text) as { icd: string; libraries: string[] };
    const whole = [icd, ...libraries].every((file) => fs.existsSync(file));
    return whole ? { kind: 'lavapipe', path: icd, libraries } : undefined;
  } catch {
    return undefined; // none, or not one of ours: the same as none
  }
}
