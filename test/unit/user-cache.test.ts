import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import { builtins, userCache } from '../../src/gpu/user-cache.js';

const node = builtins!;
const home = (homedir: string, of: typeof path): NonNullable<typeof builtins> => ({
  ...node,
  os: { ...node.os, homedir: () => homedir },
  path: of,
});

it('the cache is where the platform has it', () => {
  const posix = home('/home/someone', path.posix);
  const windows = home('C:\\Users\\someone', path.win32);
  assert.equal(userCache(posix, 'linux', {}), '/home/someone/.cache/tal-webgpu');
  assert.equal(userCache(posix, 'linux', { XDG_CACHE_HOME: '/cache' }), '/cache/tal-webgpu');
  assert.equal(userCache(posix, 'linux', { XDG_CACHE_HOME: 'relative' }), '/home/someone/.cache/tal-webgpu');
  assert.equal(userCache(posix, 'darwin', {}), '/home/someone/Library/Caches/tal-webgpu');
  assert.equal(userCache(windows, 'win32', { LOCALAPPDATA: 'D:\\Local' }), 'D:\\Local\\tal-webgpu\\Cache');
  assert.equal(userCache(windows, 'win32', {}), 'C:\\Users\\someone\\AppData\\Local\\tal-webgpu\\Cache');
});
