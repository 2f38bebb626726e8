import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from './parts.ts';

/** What a device said of an image. */
export interface Answer {
  readonly version: number;
  readonly label: string;
  readonly confidence: number;
}

interface InferResponse {
  readonly model_version: string;
  readonly outputs: readonly { readonly name: string; readonly data: readonly unknown[] }[];
}

/** Asks a device over the Open Inference Protocol v2, in JSON alone. */
export async function infer(url: string, slot: string, image: Uint8Array): Promise<Answer> {
  const { version, outputs } = await inferOutputs(url, slot, image);
  const first = (name: string) => outputs[name]?.[0];
  return { version, label: String(first('label')), confidence: Number(first('confidence')) };
}

/** The same, with every output by its name. */
export async function inferOutputs(url: string, slot: string, image: Uint8Array) {
  const data = [Buffer.from(image).toString('base64')];
  const input = { name: 'image', shape: [1], datatype: 'BYTES', data };
  const response = await fetch(`${url}/v2/models/${slot}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [input] }),
  });
  if (response.status === 404) throw new NoModel(await response.text());
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const { model_version, outputs } = (await response.json()) as InferResponse;
  return {
    version: Number(model_version),
    outputs: Object.fromEntries(outputs.map(({ name, data }) => [name, data])),
  };
}

/** The device answered that it has no such model: it counted no inference. */
class NoModel extends Error {
  override readonly name = 'NoModel';
}

/** Shows frames to a device, one after the other, and notes each answer. */
export interface Feeder {
  /** Wall-clock ms, whether the label was right, and the version that answered. */
  readonly answers: readonly { atMs: number; version: number; right: boolean }[];
  /** Requests without a prediction in the end: the device may have counted them or not. */
  readonly broken: number;
  show(frames: readonly Frame[]): void;
  stop(): Promise<void>;
}

export function startFeeder(
  device: { readonly url: string },
  slot: string,
  first: readonly Frame[],
  pauseMs = 40,
): Feeder {
  const answers: { atMs: number; version: number; right: boolean }[] = [];
  let broken = 0;
  let frames = first;
  let stopped = false;
  const loop = async () => {
    for (let at = 0; !stopped; at++) {
      const frame = frames[at % frames.length];
      if (frame === undefined) return;
      try {
        const { version, label } = await infer(device.url, slot, frame.bytes);
        answers.push({ atMs: Date.now(), version, right: label === frame.label });
      } catch (error) {
        if (!(error instanceof NoModel)) broken++;
      }
      await sleep(pauseMs);
    }
  };
  const running = loop();
  return {
    answers,
    get broken() {
      return broken;
    },
    show(next) {
      frames = next;
    },
    stop() {
      stopped = true;
      return running;
    },
  };
}
