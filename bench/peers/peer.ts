import { createRequire } from 'node:module';
import type { HostTensor } from '../../cases/support/host.js';
import type { Job } from './jobs.js';

/** A library that computes the same as this package, on the same adapter. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Its ways to do a job, most only one. @throws UnsupportedJob where it has none. */
  ways(job: Job): readonly Way[];
  /** Frees its device, so that Node can exit. */
  close(): void | Promise<void>;
}

export interface Way {
  /** What it is made of, where the name of the job does not say. */
  readonly note?: string;
  /** Puts the operands on the peer's device and builds what it needs. @throws whatever the peer throws */
  prepare(): Promise<PreparedJob>;
}

export interface PreparedJob {
  /** Does it `repeats` times and waits until the device has finished all. */
  run(repeats: number): Promise<void>;
  /** Does it once and reads the result, in the order of the job's own output. */
  output(): Promise<ArrayLike<number>>;
  dispose(): void | Promise<void>;
}

/** Thrown for a job that a peer has no operation for; the message says what is missing. */
export class UnsupportedJob extends Error {}

/** Where the peers are installed, apart from this package's own dependencies. */
const peersFolder = new URL('../../../bench/peers/', import.meta.url);
const require = createRequire(peersFolder);

/** The command that installs them. */
export const installPeers = 'npm ci --prefix bench/peers --ignore-scripts';

/**
 * A module of a peer's package. Loaded by path, so that this package compiles and runs without the peers.
 * @throws with the command that installs it
 */
// biome-ignore lint/suspicious/noExplicitAny: each peer names the part of it that it uses
export async function peerModule(path: string): Promise<any> {
  return import(peerFile(path));
}

/** As {@link peerModule}, for CommonJS. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function requirePeer(path: string): any {
  return require(peerFile(path));
}

/** The path of a file of a peer's package. */
export function peerFile(path: string): string {
  try {
    return require.resolve(`./node_modules/${path}`);
  } catch (cause) {
    throw new Error(`not installed: run ${installPeers}`, { cause });
  }
}

/** The version that is installed. */
export function peerVersion(name: string): string {
  return (require(peerFile(`${name}/package.json`)) as { version: string }).version;
}

/** The operand as a peer takes it. */
export function float32({ data }: HostTensor): Float32Array<ArrayBuffer> {
  return Float32Array.from(data);
}
