import { open } from 'node:fs/promises';

/** `e_machine` of an ELF header (elf(5)), by the architecture as Node names it. */
const MACHINES: Readonly<Record<string, number>> = { arm: 0x28, arm64: 0xb7, x64: 0x3e };
const MAGIC = '\x7fELF';
const MACHINE_AT = 18;

/** Why a file cannot be a library for this architecture, as far as its first bytes tell. */
export function elfProblem(header: Uint8Array, arch: string): string | undefined {
  if (header.length < MACHINE_AT + 2) return 'it is too short for a library';
  if (String.fromCharCode(...header.subarray(0, 4)) !== MAGIC) return 'it is no library';
  const machine = new DataView(header.buffer, header.byteOffset).getUint16(MACHINE_AT, true);
  if (machine === MACHINES[arch]) return undefined;
  const [other] = Object.entries(MACHINES).find(([, code]) => code === machine) ?? [];
  return `it is for ${other ?? 'another processor'}, and this machine is ${arch}`;
}

/** The same of a file; the reason of the system where it cannot be read. */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(64), 0, 64, 0);
      return elfProblem(buffer.subarray(0, bytesRead), process.arch);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `it cannot be read: ${code ?? message}`;
  }
}
