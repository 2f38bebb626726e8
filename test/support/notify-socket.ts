import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What systemd would hear: a Unix datagram socket, which Node cannot open. */
export interface NotifySocket {
  /** Every datagram so far, its assignments by name. */
  readonly heard: readonly Readonly<Record<string, string>>[];
  close(): Promise<void>;
}

const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("{}", flush=True)
while True:
    # without room for descriptors those of a barrier are closed, which lets the sender go on
    text = receiver.recv(65536).decode()
    print(json.dumps(dict(line.split("=", 1) for line in text.splitlines())), flush=True)
`;

export async function openNotifySocket(path: string): Promise<NotifySocket> {
  const child = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: Record<string, string>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heard.push(JSON.parse(line));
  });
  await once(child.stdout, 'data');
  return {
    heard,
    async close() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}
