import { mkdir } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { LoadOptions, ModelData, Session } from '../../runtime.ts';
import type { TensorInfo, Tensors } from '../../tensor.ts';
import { guardedSession } from '../guarded-session.ts';
import { reasonOf, tryProviders } from '../try-providers.ts';
import { type OrtLibrary, taken } from './library.ts';
import { withSessionOptions } from './options.ts';
import { fromValue, tensorInfo, toValue } from './values.ts';

/** A library with what its sessions share. */
export interface OrtEngine {
  readonly name: string;
  readonly library: OrtLibrary;
  readonly env: bigint;
  /** OrtMemoryInfo of the CPU. */
  readonly memory: bigint;
  /** The library's default allocator, which is never released. */
  readonly allocator: bigint;
  readonly providers: readonly string[];
}

/** Loads a model; the library runs it on the calling thread, which a run blocks. */
export async function loadSession(
  engine: OrtEngine,
  model: ModelData,
  options: LoadOptions = {},
): Promise<Session> {
  const { name, library, providers } = engine;
  const { loaded, provider, fallbacks } = await tryProviders(
    options.providers,
    providers,
    async (one) => {
      if (one === 'tensorrt') await makeCache(options);
      const create = (made: bigint) => createSession(engine, model, made);
      return withSessionOptions(library, one, options, create);
    },
  );
  const { inputs, outputs, free } = declared(engine, loaded);
  return guardedSession(
    { inputs: infosOf(inputs), outputs: infosOf(outputs), runtime: name, provider, fallbacks },
    {
      run: (feeds) => runSession(engine, loaded, inputs, outputs, feeds),
      release() {
        free();
        library.release.Session(loaded);
      },
    },
  );
}

/** TensorRT makes the last folder of the path only. */
async function makeCache({ cacheFolder }: LoadOptions): Promise<void> {
  if (cacheFolder !== undefined) await mkdir(cacheFolder, { recursive: true });
}

export function createSession(
  { library, env }: OrtEngine,
  model: ModelData,
  options: bigint,
): bigint {
  return taken((cell) => {
    if (typeof model === 'string') library.call.CreateSession(env, model, options, cell);
    else library.call.CreateSessionFromArray(env, model, model.byteLength, options, cell);
  });
}

/** What the model takes or gives, and the address of its name in the library's memory. */
interface Declared {
  readonly info: TensorInfo;
  readonly name: bigint;
}

const infosOf = (declared: readonly Declared[]): TensorInfo[] => declared.map(({ info }) => info);

/** A model that cannot be fed does not stay loaded. */
function declared(engine: OrtEngine, session: bigint) {
  const { call, release } = engine.library;
  const names: bigint[] = [];
  const free = () => {
    for (const name of names) call.AllocatorFree(engine.allocator, name);
  };
  try {
    const inputs = declaredSide(engine, session, names, {
      count: call.SessionGetInputCount,
      name: call.SessionGetInputName,
      type: call.SessionGetInputTypeInfo,
    });
    const outputs = declaredSide(engine, session, names, {
      count: call.SessionGetOutputCount,
      name: call.SessionGetOutputName,
      type: call.SessionGetOutputTypeInfo,
    });
    return { inputs, outputs, free };
  } catch (error) {
    free();
    release.Session(session);
    throw error;
  }
}

interface Side {
  count(session: bigint, cell: BigUint64Array): void;
  name(session: bigint, index: number, allocator: bigint, cell: BigUint64Array): void;
  type(session: bigint, index: number, cell: BigUint64Array): void;
}

function declaredSide(
  { library, allocator }: OrtEngine,
  session: bigint,
  names: bigint[],
  side: Side,
): Declared[] {
  const count = Number(taken((cell) => side.count(session, cell)));
  return Array.from({ length: count }, (_, index) => {
    const name = taken((cell) => side.name(session, index, allocator, cell));
    names.push(name);
    const type = taken((cell) => side.type(session, index, cell));
    try {
      return { info: tensorInfo(library, library.text(name), type), name };
    } finally {
      library.release.TypeInfo(type);
    }
  });
}

function runSession(
  { library, memory }: OrtEngine,
  session: bigint,
  inputs: readonly Declared[],
  outputs: readonly Declared[],
  feeds: Tensors,
): Tensors {
  const { call, release } = library;
  const given = new BigUint64Array(inputs.length);
  const made = new BigUint64Array(outputs.length);
  try {
    for (const [index, { info }] of inputs.entries()) {
      const feed = feeds[info.name];
      if (feed !== undefined) given[index] = toValue(library, memory, feed);
    }
    call.Run(
      session,
      null,
      addresses(inputs),
      given,
      inputs.length,
      addresses(outputs),
      outputs.length,
      made,
    );
    return Object.fromEntries(
      outputs.map(({ info }, index) => [
        info.name,
        fromValue(library, info.name, made[index] ?? 0n),
      ]),
    );
  } catch (cause) {
    throw new FlotillaError('runtime.run-failed', { reason: reasonOf(cause) }, { cause });
  } finally {
    for (const value of [...given, ...made]) if (value !== 0n) release.Value(value);
  }
}

const addresses = (declared: readonly Declared[]): BigUint64Array =>
  BigUint64Array.from(declared, ({ name }) => name);
