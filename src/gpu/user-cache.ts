/** Node's own modules, where this is Node. Not imported, because a browser loads these files too. */
export const builtins =
  typeof process !== 'undefined' && process.getBuiltinModule
    ? {
        fs: process.getBuiltinModule('node:fs'),
        os: process.getBuiltinModule('node:os'),
        path: process.getBuiltinModule('node:path'),
      }
    : undefined;

/** This package's folder in the cache of the user, where the platform has that. */
export function userCache(
  { os, path }: NonNullable<typeof builtins>,
  platform: NodeJS.Platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const named = (variable: string) => {
    const folder = environment[variable] ?? '';
    return path.isAbsolute(folder) ? folder : undefined;
  };
  const home = os.homedir();
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'tal-webgpu');
  if (platform === 'win32') {
    return path.join(named('LOCALAPPDATA') ?? path.join(home, 'AppData', 'Local'), 'tal-webgpu', 'Cache');
  }
  return path.join(named('XDG_CACHE_HOME') ?? path.join(home, '.cache'), 'tal-webgpu');
}
