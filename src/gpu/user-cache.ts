/** Node's own modules, where this is Node. Not imported, because a browser loads these files too. */
export const builtins =
  typeof process !== 'undefined' && process.getBuiltinModule
    ? {
        fs: process.getBuiltinModule('node:fs'),
        os: process.getBuiltinModule('node:os'),
        path: process.getBuiltinModule('node:path'),
      }
    : undefined;

/** This package's folder in the cache of the user. */
export function userCache({ os, path }: NonNullable<typeof builtins>): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  return path.join(path.isAbsolute(cache) ? cache : path.join(os.homedir(), '.cache'), 'tal-webgpu');
}
