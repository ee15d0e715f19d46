import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { TalError } from '../../src/errors.js';
import { hangMs } from '../support/limits.js';
import * as tal from '../support/public-api.js';
import { type PublicFunction, publicFunctions } from '../support/public-functions.js';
import { testRuntime } from '../support/runtime.js';
import { Samples } from '../support/samples.js';
import { type Knowledge, type Trial, wrongValues } from '../support/wrong-values.js';

/** Numbers that need not be integers: everything else that takes a number must refuse 1.5. */
const FRACTIONS =
  'context schedule betas alphaBars eta shift t first rho excerpt duration windows segment score low high probability shape ' +
  'durations offset start end spans length stride answer rate seconds clamp temperature guidanceScale threshold ' +
  'fractions span ranges truths thresholds last predicted judged extent truth window rescaleFrom weight weights unit moment ropeTheta ' +
  'epsilon frameTimes lateness alpha timeWeight largestWeight sigma full warmup planWeight revise timed negativeSlope ' +
  'scale a b value deviation eps classThreshold dilation videoScoreWeight softNmsSigma secondsPerStep mean theta ' +
  'lengthWeight rotation noise strideFrames windowFrames fps strideSeconds windowSeconds falseQuery95 true false maxPeriod betas weightDecay maxNorm average bound ratio margin q learningRate peak floor minimum saveEvery ' +
  'l1 iou label background saliency contrast negatives attention alignment distillation orthogonality snrScale mask smoothness ' +
  'reverse norm guide pull codebook commitment semanticAlignment relationAlignment';
/** Numbers that may be below 0. */
const NEGATIVES =
  'low high first last start end answer segment windows spans ranges excerpt predicted judged truths truth window axis ' +
  'axes a b shift scale mean clamp thresholds scores timed negativeSlope value score initial qid id classThreshold ' +
  'falseQuery95 true false moment videoScoreWeight lengthWeight padding offset step seconds ids labels prompt';

/** Functions that take any value in the place of an argument, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.keys(tal)
      .filter((name) => name.endsWith('Error'))
      .map((name) => [`new ${name}`, 'what an error says is up to whoever throws it']),
  ),
};

/** The files to look at; all unless TAL_ARGUMENTS says otherwise. */
const checkedFolders = /^src\//;
/** Arguments that take any number, NaN and numbers below 0 among them: elements, bits, axes from the end. */
const ANY_NUMBER: Readonly<Record<string, string>> = {
  arange: 'start end step',
  fill: 'value',
  pad: 'value',
  maskedFill: 'value',
  where: 'a b',
  scaleShift: 'scale shift',
  ddimStep: 'clamp',
  mergeMaps: 'initial',
  philox: 'counter key',
  slice: 'steps',
  permute: 'axes',
  transpose: 'first second',
  commitTokens: 'threshold',
  tokenCandidates: 'guidanceScale',
  linearTokenCandidates: 'guidanceScale',
  'Tensor.reshape': 'shape',
  momentsOf: 'centre width score saliency',
};

/** What may be left out of dataset.json, where null says the same. */
const absent =
  /\b(name|annotations|durations|splits|features|array|ids|crop|normalize|timing|windowFrames|windowSeconds|fps|videos|words|classes): null$/;

/** Values that are taken and that the trials call wrong: an entry that is undefined is left alone. */
const TAKEN: Readonly<Record<string, RegExp>> = {
  'Runtime.launch': /constants: some: undefined$/,
  openDataset: absent,
  openFeatures: absent,
};

const wanted = process.env.TAL_ARGUMENTS ? new RegExp(process.env.TAL_ARGUMENTS) : checkedFolders;
const skip = process.env.TAL_TEST_DRIVER !== 'lavapipe' && 'the same with every driver: runs with lavapipe';

const runtime = skip ? undefined : await testRuntime();

// A suite that is skipped does not count as a test that is.
if (skip) it('wrong arguments are refused', { skip }, () => {});

describe('wrong arguments of public functions', { skip }, () => {
  const { functions, close } = publicFunctions();
  after(close);
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'tal-arguments-'));
  let samples: Samples;
  const known: Knowledge = {
    fractions: new Set(FRACTIONS.split(' ')),
    negatives: new Set(NEGATIVES.split(' ')),
    free: new Set(['training', 'tokenizer', 'config']),
    sample: (kind, name) => samples.of(kind, name),
  };
  before(async () => {
    samples = await Samples.create(runtime!);
    // What is written by mistake is written there.
    process.chdir(folder);
  });
  after(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  });

  const counts = { functions: 0, arguments: 0, values: 0 };
  after(() => {
    console.log(`# ${counts.functions} functions, ${counts.arguments} arguments, ${counts.values} values`);
  });

  for (const file of new Set(functions.map(({ file }) => file))) {
    const tested = functions.filter(
      (one) =>
        one.file === file &&
        one.parameters.length > 0 &&
        !(one.name in EXCEPTIONS) &&
        // Some classes are exported as types alone.
        one.exported in tal,
    );
    if (tested.length === 0 || !wanted.test(file)) continue;
    describe(file, () => {
      for (const one of tested) {
        it(one.name, async () => {
          counts.functions++;
          const faults: string[] = [];
          for (const [i, parameter] of one.parameters.entries()) {
            counts.arguments++;
            for (const trial of wrongValues(parameter, known)) {
              counts.values++;
              const fault = await faultOf(one, i, trial, samples);
              if (fault) faults.push(`${parameter.name}: ${trial.label}: ${fault}`);
            }
          }
          assert.equal(
            faults.length,
            0,
            [`${faults.length} wrong values`, ...faults.slice(0, 40)].join('\n'),
          );
        });
      }
    });
  }
});

/** What is wrong with the answer to a wrong value; undefined where it is a `TalError` that names the argument. */
async function faultOf(
  one: PublicFunction,
  index: number,
  { label, value, names, mayPass }: Trial,
  samples: Samples,
): Promise<string | undefined> {
  const given = one.parameters.map(({ kind, name, optional }, i) =>
    i === index ? value : optional ? undefined : samples.of(kind, name),
  );
  const anyNumber = ANY_NUMBER[one.name]?.split(' ').some((name) => names.includes(name)) ?? false;
  const taken = TAKEN[one.name];
  const free = (anyNumber && /(NaN|-1|1\.5)$/.test(label)) || (taken?.test(label) ?? false);
  let result: unknown;
  try {
    result = await Promise.race([call(one, given, samples), late()]);
  } catch (error) {
    if (!(error instanceof TalError))
      return `${error instanceof Error ? error.stack?.split('\n').slice(0, 3).join(' ') : error}`;
    return mayPass || free || names.some((name) => name.startsWith('__') || error.message.includes(name))
      ? undefined
      : `not named in: ${error.message}`;
  }
  if (free || (mayPass && !hasNaN(result))) return undefined;
  return `accepted, ${inspect(result, { depth: 0 }).slice(0, 60)}`;
}

const late = () =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer in ${hangMs / 1000} s`)), hangMs).unref();
  });

function call({ exported, call, method }: PublicFunction, given: unknown[], samples: Samples): unknown {
  const value = (tal as Record<string, unknown>)[exported] as never;
  if (call === 'function') return (value as (...given: unknown[]) => unknown)(...given);
  if (call === 'constructor') return new (value as new (...given: unknown[]) => unknown)(...given);
  const of = call === 'static' ? value : samples.of({ kind: 'instance', type: exported }, exported);
  const result = (of as Record<string, (...given: unknown[]) => unknown>)[method!]!(...given);
  // A generator does nothing before it is asked.
  return isGenerator(result) ? result.next() : result;
}

/** Whether a result is NaN, or has it in it. */
function hasNaN(result: unknown): boolean {
  if (typeof result === 'number') return Number.isNaN(result);
  if (Array.isArray(result) || result instanceof Float64Array || result instanceof Float32Array) {
    return Array.from(result).some(hasNaN);
  }
  const plain =
    typeof result === 'object' && result !== null && Object.getPrototypeOf(result) === Object.prototype;
  return plain && Object.values(result).some(hasNaN);
}

const isGenerator = (value: unknown): value is Generator =>
  typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function';
