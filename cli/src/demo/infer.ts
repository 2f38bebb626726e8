/** What a device said of one image. */
export interface Answer {
  readonly label: string;
  readonly confidence: number;
}

interface InferResponse {
  readonly outputs: readonly { readonly name: string; readonly data?: readonly unknown[] }[];
}

/**
 * Sends an encoded image to a device over the Open Inference Protocol v2, with the binary tensor
 * extension: one BYTES element is its length as a 4-byte little-endian integer, then the bytes.
 */
export async function infer(
  device: string,
  slot: string,
  image: Uint8Array,
  signal?: AbortSignal,
): Promise<Answer> {
  const size = 4 + image.length;
  const head = new TextEncoder().encode(
    JSON.stringify({
      inputs: [
        { name: 'image', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: size } },
      ],
    }),
  );
  const body = new Uint8Array(head.length + size);
  body.set(head);
  new DataView(body.buffer).setUint32(head.length, image.length, true);
  body.set(image, head.length + 4);
  const response = await fetch(`${device}/v2/models/${slot}/infer`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': `${head.length}`,
    },
    body,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  const { outputs } = (await response.json()) as InferResponse;
  const first = (name: string) => outputs.find((output) => output.name === name)?.data?.[0];
  return { label: String(first('label')), confidence: Number(first('confidence')) };
}
