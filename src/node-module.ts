import { FileAccessError } from './errors.js';

/** What is imported by its name at run time. */
interface NodeModules {
  'node:fs': typeof import('node:fs');
  'node:fs/promises': typeof import('node:fs/promises');
  'node:path': typeof import('node:path');
  webgpu: typeof import('webgpu');
}

/**
 * Imports a module that only Node has, when it is used: this package also loads in a page. Bundlers do not see
 * which one, or they would refuse it, warn of it, or put Node's WebGPU into a page.
 * @throws FileAccessError outside Node
 */
export async function nodeModule<Name extends keyof NodeModules>(name: Name): Promise<NodeModules[Name]> {
  if (typeof process === 'undefined' || !process.versions?.node) {
    throw new FileAccessError(
      'a page has no file system: fetch the file, and give its bytes instead of a path',
    );
  }
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}
