import { checkArgument, integer, rule, someOf, valuesOf } from '../arguments.js';
import { ensureFolder, writeWhole } from '../data/files/output-file.js';
import { NotFiniteError, OptionError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import type { Freeable } from '../tensor/owner.js';
import { withAverages } from './averaged-weights.js';
import { BestWeights } from './best-weights.js';
import { type RunStatus, TrainingCurves } from './curves-page.js';
import { ReadAhead } from './read-ahead.js';
import { type LogLine, TrainingLog } from './training-log.js';
import type { TrainingOptions } from './training-options.js';
import {
  type Arrays,
  loadTrainingState,
  restoreModel,
  restoreTensors,
  saveTrainingState,
  type TrainingIdentity,
  type TrainingPlace,
} from './training-state.js';
import { type TrainingTask, type Turn, turnsOf } from './training-task.js';
import { TurnRun } from './turn-run.js';
import { makeGroups, planUpdates } from './update-groups.js';

const stateFile = 'state.safetensors';
const logFile = 'log.jsonl';
const curvesFile = 'curves.html';
const bestFile = 'best.safetensors';
/** What `train` writes in the folder of a run. */
export const stateFiles = [stateFile, logFile, curvesFile, bestFile];

/** So many steps without a finite loss end a run: it does not come back by itself. */
const hopeless = 20;

const examplesRule = someOf(integer(0));
const metricsRule = valuesOf(rule<number>('a number', (value) => typeof value === 'number'));

/** A replay of a step. */
interface Replay {
  readonly turn: TurnRun;
  /** Of the turn in the task. */
  readonly number: number;
  /** Of the batch in the run. */
  readonly index: number;
}

/** What a run has opened. */
interface Parts {
  readonly identity: TrainingIdentity;
  readonly turns: readonly TurnRun[];
  readonly log: TrainingLog;
  readonly curves: TrainingCurves;
  readonly best: BestWeights | undefined;
  readonly made: ReadonlySet<Freeable>;
}

/** The work of `train`, whose arguments were checked. */
export class TrainingRun {
  readonly #task: TrainingTask;
  readonly #options: TrainingOptions;
  readonly #path: (file: string) => string;
  readonly #parts: Parts;
  readonly #reader: ReadAhead;
  #place: TrainingPlace;
  /** What the file of the state says. */
  #saved: TrainingPlace | undefined;
  /** Whether the device stands between two steps. */
  #between = true;
  /** Steps without a finite loss, one after the other. */
  #lost = 0;

  private constructor(
    task: TrainingTask,
    options: TrainingOptions,
    path: (file: string) => string,
    place: TrainingPlace | undefined,
    parts: Parts,
  ) {
    this.#task = task;
    this.#options = options;
    this.#path = path;
    this.#parts = parts;
    this.#reader = new ReadAhead(task, options.seed);
    this.#place = place ?? { step: 0, updates: {}, validated: 0 };
    this.#saved = place;
  }

  /** Begins a run, or goes on with the one in the folder. @throws as `train` */
  static async open(task: TrainingTask, options: TrainingOptions): Promise<TrainingRun> {
    const { folder, settings, seed, accumulate = 1, maxNorm, average, validation } = options;
    const { model, memory = {} } = task;
    const { join } = await nodeModule('node:path');
    const path = (file: string) => join(folder, file);
    const turns = turnsOf(task);
    const names = [...model.parameters()].filter(([, { trained }]) => trained).map(([name]) => name);
    const plans = planUpdates(names, turns, options);
    const structure = { seed, accumulate, maxNorm, average, turns: Object.fromEntries(plans) };
    const identity: TrainingIdentity = { settings, structure };
    await ensureFolder(folder, stateFiles);
    const state = await loadTrainingState(path(stateFile), identity);
    if (state) restoreModel(model, state.arrays, path(stateFile), 'model.');
    else if (options.begin) await options.begin();
    else model.initialize(seed);
    if (state) restoreTensors(memory, state.arrays, path(stateFile), 'memory.');
    model.train().seedRandom(seed);
    const made = new Set<Freeable>();
    try {
      const tensors = model.weights();
      const runs: TurnRun[] = [];
      for (const { name } of turns) {
        const groups = makeGroups(plans.get(name)!, tensors, options, made);
        if (state) for (const { optimizer } of groups) optimizer.restore(state.arrays, path(stateFile));
        const run = await TurnRun.capture(name, task, groups, { accumulate, maxNorm });
        made.add(run);
        runs.push(run);
      }
      const curves = new TrainingCurves();
      const log = await TrainingLog.open(path(logFile), state ?? { step: 0, validated: 0 }, (line) =>
        curves.add(line),
      );
      const best =
        validation?.best &&
        (await BestWeights.open(path(bestFile), validation.best, JSON.stringify(identity), !!state));
      const place = state && { step: state.step, updates: state.updates, validated: state.validated };
      return new TrainingRun(task, options, path, place, { identity, turns: runs, log, curves, best, made });
    } catch (error) {
      for (const each of made) each.dispose();
      throw error;
    }
  }

  /** Does the steps that are left. @returns whether all are done */
  async go(): Promise<boolean> {
    const { steps, saveEvery = 60, signal } = this.#options;
    await this.#draw('running');
    try {
      let saved = performance.now();
      const save = async () => {
        await this.#save();
        await this.#draw('running');
        saved = performance.now();
      };
      while (!signal?.aborted) {
        if (this.#isValidationDue()) {
          await this.#validate();
          await save();
          continue;
        }
        if (this.#place.step === steps) break;
        await this.#step();
        if (performance.now() - saved > 1000 * saveEvery) await save();
      }
      if (this.#saved !== this.#place) await this.#save();
    } catch (error) {
      // What failed on the host has not touched what the steps before did.
      if (this.#between && this.#saved !== this.#place) await this.#save().catch(() => {});
      await this.#draw('stopped').catch(() => {});
      throw error;
    }
    const done = this.#place.step === steps && !this.#isValidationDue();
    await this.#draw(done ? 'done' : 'stopped');
    if (done) await this.#finish();
    return done;
  }

  /** Frees what the run made; the model stays. */
  async close(): Promise<void> {
    await this.#reader.settle();
    for (const each of this.#parts.made) each.dispose();
    await this.#parts.log.flush();
  }

  async #step(): Promise<void> {
    const { steps, seed, accumulate = 1, onStep } = this.#options;
    const { step, validated } = this.#place;
    const began = performance.now();
    const task = this.#task;
    const { model } = task;
    const taken = this.#turnsOf(step);
    const updates: Record<string, number> = { ...this.#place.updates };
    const learningRates: Record<string, number> = {};
    for (const [, { name, groups }] of taken) {
      for (const group of groups) {
        const rate = group.learningRate(step);
        const key = `${name}/${group.name}`;
        group.optimizer.prepare(updates[key] ?? 0, rate);
        updates[key] = (updates[key] ?? 0) + 1;
        learningRates[group.name] = rate;
      }
    }
    const replays = taken.flatMap(([number, turn]) =>
      Array.from({ length: accumulate }, (_, i): Replay => ({ turn, number, index: step * accumulate + i })),
    );
    const losses: { readonly turn: TurnRun; readonly values: Promise<ArrayLike<number>> }[] = [];
    for (const [i, { turn, number, index }] of replays.entries()) {
      const examples = task.sampler(index, seed);
      checkArgument('train', `task.sampler(${index}, ${seed})`, examples, examplesRule);
      const loaded = await this.#reader.of(index);
      await task.prepare({ index, examples, turn: turn.name, loaded });
      model.seedRandom(seed, index * this.#parts.turns.length + number);
      this.#between = false;
      losses.push({ turn, values: turn.runBatch() });
      const next = replays[i + 1];
      if (next?.turn !== turn) turn.runUpdate();
      if (task.load && (next || step + 1 < steps)) {
        // So that the device works while the host reads.
        await model.runtime.flush();
        this.#reader.begin(next?.index ?? (step + 1) * accumulate);
      }
    }
    const parts: Record<string, number> = {};
    for (const { turn, values } of losses) {
      const found = await values;
      for (const [i, part] of turn.parts.entries()) {
        const name = this.#parts.turns.length === 1 ? part : `${turn.name}.${part}`;
        parts[name] = (parts[name] ?? 0) + found[i]! / accumulate;
      }
    }
    this.#place = { step: step + 1, updates, validated };
    this.#between = true;
    const loss = Object.values(parts).reduce((a, b) => a + b);
    this.#lost = Number.isFinite(loss) ? 0 : this.#lost + 1;
    if (this.#lost === hopeless) {
      throw new NotFiniteError(
        `the loss has been ${loss} for ${hopeless} steps: lower the learning rate, or look for NaN in the data`,
      );
    }
    const seconds = (performance.now() - began) / 1000;
    this.#write({ step: step + 1, loss, parts, learningRates, seconds: Number(seconds.toFixed(3)) });
    onStep?.({ step: step + 1, steps, loss, parts, learningRates, seconds });
  }

  /** The turns that a step has, with their places. @throws OptionError where there is none */
  #turnsOf(step: number): (readonly [number: number, turn: TurnRun])[] {
    const turns: readonly Turn[] = turnsOf(this.#task);
    const taken = [...this.#parts.turns.entries()].filter(([i]) => turns[i]!.runs?.(step) ?? true);
    if (taken.length === 0) throw new OptionError(`train: task.turns has no turn that runs in step ${step}`);
    return taken;
  }

  #isValidationDue(): boolean {
    const { steps, validation } = this.#options;
    const { step, validated } = this.#place;
    if (!validation || step === 0 || step === validated) return false;
    return step === steps || step % validation.every === 0;
  }

  async #validate(): Promise<void> {
    const { average, validation, onValidation } = this.#options;
    const { turns, best } = this.#parts;
    const { model } = this.#task;
    const { step } = this.#place;
    const measure = async () => {
      const metrics = await validation!.validate(step);
      checkArgument('train', 'what validate gives', metrics, metricsRule);
      return { metrics, isBest: (await best?.offer(model, step, metrics)) ?? false };
    };
    model.train(false);
    const groups = turns.flatMap((turn) => turn.groups);
    const { metrics, isBest } = await (average === undefined
      ? measure()
      : withAverages(model.runtime, groups, measure)
    ).finally(() => model.train());
    this.#place = { ...this.#place, validated: step };
    this.#write({ step, validation: metrics });
    onValidation?.({ step, metrics, best: isBest });
  }

  #write(line: LogLine): void {
    this.#parts.log.write(line);
    this.#parts.curves.add(line);
  }

  async #save(): Promise<void> {
    const { model, memory = {} } = this.#task;
    const { identity, turns, log } = this.#parts;
    const place = this.#place;
    const remembered = Object.entries(memory).map(async ([name, tensor]) => {
      const data = (await tensor.read()) as Float32Array<ArrayBuffer>;
      return [name, { dtype: 'f32', shape: tensor.shape, data }] as const;
    });
    const optimizers = turns.flatMap(({ groups }) => groups.map(({ optimizer }) => optimizer.state()));
    const arrays: Arrays = {
      ...prefixed('model.', await model.state()),
      ...prefixed('memory.', Object.fromEntries(await Promise.all(remembered))),
      ...Object.assign({}, ...(await Promise.all(optimizers))),
    };
    // The log first: a run that is killed in between cuts it to the state, but could not bring lines back.
    await log.flush();
    await saveTrainingState(this.#path(stateFile), identity, { ...place, arrays });
    this.#saved = place;
  }

  /** Writes the page of curves. */
  async #draw(state: RunStatus['state']): Promise<void> {
    const { folder, steps, validation } = this.#options;
    const { basename, resolve } = await nodeModule('node:path');
    const { curves, best } = this.#parts;
    const metric = validation?.best?.metric;
    const page = curves.page({
      title: basename(resolve(folder)),
      step: this.#place.step,
      steps,
      state,
      ...(metric !== undefined && best?.place && { best: { metric, ...best.place } }),
    });
    await writeWhole(this.#path(curvesFile), page);
  }

  /** Puts the weights that the run ends with into the model. */
  async #finish(): Promise<void> {
    const { model } = this.#task;
    const { turns, best } = this.#parts;
    if (this.#options.validation?.endWithBest) await best?.restore(model);
    else for (const { groups } of turns) for (const { optimizer } of groups) optimizer.useAverage();
    model.train(false);
  }
}

function prefixed(prefix: string, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}
