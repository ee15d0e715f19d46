/** What publint and Are The Types Wrong say of the tarball; the package is an ES module alone. */
export async function checkLinters({ tarball, run }, report) {
  for (const command of [
    ['publint', 'run', tarball, '--strict'],
    ['attw', tarball, '--profile', 'esm-only'],
  ]) {
    await run('npx', ['--no-install', ...command]).then(
      () => report(command[0]),
      ({ message }) => report(command[0], message),
    );
  }
}
