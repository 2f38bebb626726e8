import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 2 ** 20;

/** Resident memory that work leaves behind when it is done again and again, in MiB. */
export async function grownMiB(times: number, work: () => Promise<unknown>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const resident = async () => {
    collect();
    // what a finalizer lets go is free a turn later
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return process.memoryUsage.rss() / MIB;
  };
  for (let i = 0; i < times / 5; i++) await work();
  const before = await resident();
  for (let i = 0; i < times; i++) await work();
  return (await resident()) - before;
}
