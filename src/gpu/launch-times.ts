import { type DispatchStep, type Program, ProgramEncoder, type Step } from './commands.js';
import { checked } from './gpu-errors.js';
import { type PassTimer, type TimedPass, Timestamps } from './timing.js';
import type { GPUDevice } from './webgpu.js';

/** By which clock launches are timed: that of the device, or that of the host, which waits for each launch. */
export type LaunchClock = 'gpu' | 'host';

/** One launch and how long it took. */
export interface LaunchTime extends Pick<DispatchStep, 'name' | 'origin' | 'workgroups'> {
  readonly microseconds: number;
}

/** Launches whose times are read together: a set of queries has at most 4096. */
const launchesAtOnce = 2048;

/** Runs programs and times each of their launches, those of replays included. */
export class LaunchTimer {
  /** In the order in which they ran. */
  readonly times: LaunchTime[] = [];

  constructor(
    readonly device: GPUDevice,
    readonly clock: LaunchClock,
  ) {}

  /** Resolves when the device has finished the program. */
  async run(program: Program): Promise<void> {
    const steps = [...flattened(program)];
    if (this.clock === 'gpu') for (const part of parts(steps)) await this.#runByDevice(part);
    else for (const step of steps) await this.#runByHost(step);
  }

  /** A compute pass for each launch, whose beginning and end the device writes down. */
  async #runByDevice(steps: readonly Step[]): Promise<void> {
    const launches = steps.filter((step) => step.kind === 'dispatch');
    if (launches.length === 0) return this.#submit(steps);
    const pairs = new TimestampPairs(this.device, launches.length);
    let stamps: BigUint64Array;
    try {
      await this.#submit(steps, pairs);
      stamps = await pairs.read();
    } finally {
      pairs.destroy();
    }
    launches.forEach((launch, i) => {
      // A clock that is set back between two stamps gives no time below 0.
      const nanoseconds = Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!));
      this.#add(launch, nanoseconds / 1e3);
    });
  }

  /** A submission for each step, and a wait for its end. */
  async #runByHost(step: Step): Promise<void> {
    const begin = performance.now();
    await this.#submit([step]);
    await this.device.queue.onSubmittedWorkDone();
    if (step.kind === 'dispatch') this.#add(step, (performance.now() - begin) * 1e3);
  }

  #submit(steps: readonly Step[], timer?: PassTimer): Promise<void> {
    return checked(this.device, () => {
      const encoder = new ProgramEncoder(this.device, undefined, timer);
      encoder.encode({ steps, uniforms: undefined });
      encoder.submit();
    });
  }

  #add({ name, origin, workgroups }: DispatchStep, microseconds: number): void {
    this.times.push({ name, origin, workgroups, microseconds });
  }
}

/** Timestamps before and after each launch. */
class TimestampPairs extends Timestamps implements PassTimer {
  readonly passPerLaunch = true;
  #launches = 0;

  constructor(device: GPUDevice, launches: number) {
    super(device, 2 * launches);
  }

  passDescriptor(): TimedPass {
    const first = 2 * this.#launches++;
    return {
      timestampWrites: {
        querySet: this.querySet,
        beginningOfPassWriteIndex: first,
        endOfPassWriteIndex: first + 1,
      },
    };
  }
}

/** The steps of a program with those of the programs that it replays. */
function* flattened(program: Program): Generator<Exclude<Step, { readonly kind: 'replay' }>> {
  for (const step of program.steps) {
    if (step.kind === 'replay') yield* flattened(step.program);
    else yield step;
  }
}

/** Parts of steps with at most `launchesAtOnce` launches each. */
function* parts(steps: readonly Step[]): Generator<readonly Step[]> {
  let begin = 0;
  let launches = 0;
  for (const [i, step] of steps.entries()) {
    if (step.kind !== 'dispatch' || ++launches <= launchesAtOnce) continue;
    yield steps.slice(begin, i);
    begin = i;
    launches = 1;
  }
  if (begin < steps.length) yield steps.slice(begin);
}
