// The bundled library must be in the process first. Both have the soname libonnxruntime.so.1, by
// which the dynamic linker would give the device's library to the binding of onnxruntime-node.
import 'onnxruntime-node';
import { createRequire } from 'node:module';
import type { LibraryHandle } from 'koffi';
import {
  API_BASE,
  CALLS,
  GET_ERROR_MESSAGE,
  KOFFI_TYPES,
  LEAST_API,
  type Parameters,
  RELEASES,
} from './functions.ts';

/** Loaded when a library is opened: most devices have none of their own. */
type Koffi = typeof import('koffi');
const loadKoffi = (): Koffi => createRequire(import.meta.url)('koffi');

type Given<Takes extends readonly (keyof Parameters)[]> = {
  -readonly [I in keyof Takes]: Parameters[Takes[I]];
};

/** The functions of the table; each throws an Error with the library's message. */
export type OrtCalls = {
  readonly [K in keyof typeof CALLS]: (...given: Given<(typeof CALLS)[K]['takes']>) => void;
};
export type OrtReleases = Readonly<Record<keyof typeof RELEASES, (pointer: bigint) => void>>;

/** A loaded library of ONNX Runtime. Keep it for as long as anything of it lives. */
export interface OrtLibrary {
  readonly version: string;
  readonly call: OrtCalls;
  readonly release: OrtReleases;
  /** Copies bytes from an address into memory of JavaScript. */
  copy(into: NodeJS.TypedArray, from: bigint, bytes: number): void;
  /** Text at an address that ends with a zero. */
  text(pointer: bigint): string;
  /** The address that lies at a place of an array of them. */
  pointerAt(array: bigint, index: number): bigint;
  readonly handle: LibraryHandle;
}

/**
 * Opens a library of ONNX Runtime.
 *
 * @throws Error where it cannot be loaded, is no ONNX Runtime, or is too old
 */
export function openLibrary(path: string): OrtLibrary {
  const koffi = loadKoffi();
  const functionAt: FunctionAt = (table, place, result, takes) =>
    koffi.decode(pointerAt(koffi, table, place), koffi.proto(result, [...takes]));
  const handle = koffi.load(path);
  const base: bigint = handle.func('OrtGetApiBase', KOFFI_TYPES.pointer, [])();
  const version: string = functionAt(base, API_BASE.GetVersionString, KOFFI_TYPES.text, [])();
  const api = apiTable(functionAt, base, version);
  const message = functionAt(api, GET_ERROR_MESSAGE, KOFFI_TYPES.text, [KOFFI_TYPES.pointer]);
  const release = mapValues(RELEASES, (place) =>
    functionAt(api, place, 'void', [KOFFI_TYPES.pointer]),
  ) as OrtReleases;
  const call = mapValues(CALLS, ({ place, takes }) => {
    const types = takes.map((kind) => KOFFI_TYPES[kind]);
    const native = functionAt(api, place, KOFFI_TYPES.pointer, types);
    return (...given: unknown[]) => {
      const status: bigint | null = native(...given);
      if (status === null) return;
      const text: string = message(status);
      release.Status(status);
      throw new Error(text);
    };
  }) as OrtCalls;
  const { pointer, size } = KOFFI_TYPES;
  const copy = koffi.load('libc.so.6').func('memcpy', pointer, [pointer, pointer, size]);
  return {
    version,
    call,
    release,
    copy,
    text: (at) => koffi.decode.string(at) ?? '',
    pointerAt: (array, index) => pointerAt(koffi, array, index),
    handle,
  };
}

/** The table of the version that the library gives: it answers null to a higher one. */
function apiTable(functionAt: FunctionAt, base: bigint, version: string): bigint {
  const minor = /^1\.(\d+)\./.exec(version)?.[1];
  if (minor === undefined) throw new Error(`it has the unknown version ${version.slice(0, 40)}`);
  if (Number(minor) < LEAST_API) {
    throw new Error(`it is ONNX Runtime ${version}, and 1.${LEAST_API} is the least`);
  }
  const getApi = functionAt(base, API_BASE.GetApi, KOFFI_TYPES.pointer, ['uint32_t']);
  const api: bigint | null = getApi(Number(minor));
  if (api === null) throw new Error(`it does not give the C API of its version ${version}`);
  return api;
}

const POINTER_BYTES = 8;

/** A function whose address lies at a place of a table. */
type FunctionAt = (
  table: bigint,
  place: number,
  result: string,
  takes: readonly string[],
) => ReturnType<Koffi['decode']>;

const pointerAt = (koffi: Koffi, array: bigint, index: number): bigint =>
  koffi.decode(array, index * POINTER_BYTES, KOFFI_TYPES.pointer);

const mapValues = <T, U>(object: Readonly<Record<string, T>>, map: (value: T) => U) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));

/** What a function puts into its last parameter, which takes the address of a pointer or number. */
export function taken(call: (cell: BigUint64Array) => void): bigint {
  const cell = new BigUint64Array(1);
  call(cell);
  return cell[0] ?? 0n;
}

export function takenInt(call: (cell: Int32Array) => void): number {
  const cell = new Int32Array(1);
  call(cell);
  return cell[0] ?? 0;
}
