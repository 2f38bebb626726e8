/**
 * Functions of the OrtApi table (onnxruntime_c_api.h). The table only ever grows at its end, so a
 * function keeps its place in every release that has it.
 */

/** What koffi passes for each kind of parameter, and what JavaScript gives. */
export interface Parameters {
  /** An address, or memory of JavaScript whose address is passed. */
  readonly pointer: bigint | NodeJS.TypedArray | null;
  readonly text: string;
  readonly texts: readonly string[];
  readonly int: number;
  readonly size: number;
}

export const KOFFI_TYPES = {
  pointer: 'void *',
  text: 'const char *',
  texts: 'const char **',
  int: 'int',
  size: 'size_t',
} as const satisfies Record<keyof Parameters, string>;

interface Row {
  readonly place: number;
  readonly takes: readonly (keyof Parameters)[];
}

/** Those that return a status: null, or what went wrong, which the caller owns. */
export const CALLS = {
  CreateEnv: { place: 3, takes: ['int', 'text', 'pointer'] },
  CreateSession: { place: 7, takes: ['pointer', 'text', 'pointer', 'pointer'] },
  CreateSessionFromArray: {
    place: 8,
    takes: ['pointer', 'pointer', 'size', 'pointer', 'pointer'],
  },
  Run: {
    place: 9,
    takes: ['pointer', 'pointer', 'pointer', 'pointer', 'size', 'pointer', 'size', 'pointer'],
  },
  CreateSessionOptions: { place: 10, takes: ['pointer'] },
  DisableMemPattern: { place: 17, takes: ['pointer'] },
  SetSessionLogSeverityLevel: { place: 22, takes: ['pointer', 'int'] },
  SetSessionGraphOptimizationLevel: { place: 23, takes: ['pointer', 'int'] },
  SetIntraOpNumThreads: { place: 24, takes: ['pointer', 'int'] },
  SetInterOpNumThreads: { place: 25, takes: ['pointer', 'int'] },
  SessionGetInputCount: { place: 30, takes: ['pointer', 'pointer'] },
  SessionGetOutputCount: { place: 31, takes: ['pointer', 'pointer'] },
  SessionGetInputTypeInfo: { place: 33, takes: ['pointer', 'size', 'pointer'] },
  SessionGetOutputTypeInfo: { place: 34, takes: ['pointer', 'size', 'pointer'] },
  SessionGetInputName: { place: 36, takes: ['pointer', 'size', 'pointer', 'pointer'] },
  SessionGetOutputName: { place: 37, takes: ['pointer', 'size', 'pointer', 'pointer'] },
  CreateTensorWithDataAsOrtValue: {
    place: 49,
    takes: ['pointer', 'pointer', 'size', 'pointer', 'size', 'int', 'pointer'],
  },
  GetTensorMutableData: { place: 51, takes: ['pointer', 'pointer'] },
  CastTypeInfoToTensorInfo: { place: 55, takes: ['pointer', 'pointer'] },
  GetTensorElementType: { place: 60, takes: ['pointer', 'pointer'] },
  GetDimensionsCount: { place: 61, takes: ['pointer', 'pointer'] },
  GetDimensions: { place: 62, takes: ['pointer', 'pointer', 'size'] },
  GetTensorTypeAndShape: { place: 65, takes: ['pointer', 'pointer'] },
  CreateCpuMemoryInfo: { place: 69, takes: ['int', 'int', 'pointer'] },
  AllocatorFree: { place: 76, takes: ['pointer', 'pointer'] },
  GetAllocatorWithDefaultOptions: { place: 78, takes: ['pointer'] },
  GetAvailableProviders: { place: 125, takes: ['pointer', 'pointer'] },
  ReleaseAvailableProviders: { place: 126, takes: ['pointer', 'int'] },
  AddSessionConfigEntry: { place: 130, takes: ['pointer', 'text', 'text'] },
  AppendTensorRT: { place: 170, takes: ['pointer', 'pointer'] },
  CreateTensorRTProviderOptions: { place: 171, takes: ['pointer'] },
  UpdateTensorRTProviderOptions: { place: 172, takes: ['pointer', 'texts', 'texts', 'size'] },
  AppendCUDA: { place: 204, takes: ['pointer', 'pointer'] },
  CreateCUDAProviderOptions: { place: 205, takes: ['pointer'] },
  UpdateCUDAProviderOptions: { place: 206, takes: ['pointer', 'texts', 'texts', 'size'] },
  AppendProvider: { place: 216, takes: ['pointer', 'text', 'texts', 'texts', 'size'] },
} as const satisfies Record<string, Row>;

/** Those that free what was made; a null pointer is no error to them. */
export const RELEASES = {
  Env: 92,
  Status: 93,
  MemoryInfo: 94,
  Session: 95,
  Value: 96,
  TypeInfo: 98,
  TensorTypeAndShapeInfo: 99,
  SessionOptions: 100,
  TensorRTProviderOptions: 174,
  CUDAProviderOptions: 208,
} as const satisfies Record<string, number>;

export const GET_ERROR_MESSAGE = 2;

/** OrtApiBase: `GetApi`, then `GetVersionString`. */
export const API_BASE = { GetApi: 0, GetVersionString: 1 } as const;

/**
 * The first version of the API that has everything above: ONNX Runtime 1.12, which brought
 * SessionOptionsAppendExecutionProvider. NVIDIA built that one and later ones for JetPack 5 and 6.
 */
export const LEAST_API = 12;
