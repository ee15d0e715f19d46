import { readFileSync } from 'node:fs';

// This file runs as dist/test/support/entry-points.js.
const root = new URL('../../../', import.meta.url);

/** How a user imports each entry point of the package (`tal-webgpu/ops`), and its source file (`src/ops/index`). */
export const entryPoints: ReadonlyMap<string, string> = (() => {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    name: string;
    exports: Record<string, string | { types: string; default: string }>;
  };
  return new Map(
    Object.entries(exports).flatMap(([path, target]) =>
      typeof target === 'string'
        ? []
        : [[name + path.slice(1), target.default.replace(/^\.\/dist\/|\.js$/g, '')]],
    ),
  );
})();
