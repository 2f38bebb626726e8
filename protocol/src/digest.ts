/** Content address, `sha256:<64 hex digits in lower case>`. */
export type Digest = string;

/** WebCrypto reads only memory that no other thread can change under it. */
export function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Bytes of a hex text; undefined where it is not whole pairs of hex digits. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return undefined;
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}

/** SHA-256 of bytes as a digest, by WebCrypto. */
export async function sha256(bytes: Uint8Array): Promise<Digest> {
  return `sha256:${toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', unshared(bytes))))}`;
}

/** The hex part of a digest, as OCI layouts and TUF metadata write it. */
export const digestHex = (digest: Digest): string => digest.slice('sha256:'.length);

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
