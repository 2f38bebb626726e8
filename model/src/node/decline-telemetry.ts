const VARIABLE = 'ORT_DISABLE_TELEMETRY';

/**
 * Keeps ONNX Runtime from reporting sessions and models to its maker, and from keeping a database
 * and logs for that; its packages for Linux do both since 1.29 unless this variable says no
 * (github.com/microsoft/onnxruntime/pull/27379). It is read once, when the first session is made.
 *
 * The library reads the environment of the process, which only the main thread can write: whoever
 * starts threads calls this before. What the owner of the machine has set stays.
 */
export function declineTelemetry(): void {
  process.env[VARIABLE] ??= '1';
}
