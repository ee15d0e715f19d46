import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs the command line and the examples, those that read no other file of the repository, as who installed the package would. */
export async function checkCommands({ root, folder, run }, report) {
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  const examples = readdirSync(join(folder, 'examples')).filter(
    (name) => name.endsWith('.mjs') && !readFileSync(join(folder, 'examples', name), 'utf8').includes("'../"),
  );
  const commands = [
    ['node', 'node_modules/tal-webgpu/scripts/provide-driver.mjs'],
    ['npx', '--no-install', 'tal', '--version'],
    ['npx', '--no-install', 'tal', 'doctor', '--quick'],
    ['npx', '--no-install', 'tal', 'demo'],
    ...examples.map((name) => ['node', `examples/${name}`]),
  ];
  for (const [program, ...args] of commands) {
    const subject = [program, ...args].join(' ');
    await run(program, args).then(
      () => report(subject),
      ({ message }) => report(subject, message),
    );
  }
}
