import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';
import { skipOrFail } from './skip.ts';

const run = promisify(execFile);
const BROKER = '/usr/sbin/mosquitto';
const PLUGINS = ['x86_64', 'aarch64'].map(
  (arch) => `/usr/lib/${arch}-linux-gnu/mosquitto_dynamic_security.so`,
);

/** A Mosquitto with dynamic-security on a loopback port, gone with `stop`. */
export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** May do everything, the control topics included. */
  readonly admin: { readonly username: string; readonly password: string };
  /** Ends it as a crash would and starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a broker, or says why not and answers undefined. */
export async function startMosquitto(): Promise<Mosquitto | undefined> {
  const plugin = PLUGINS.find((path) => existsSync(path));
  if (!existsSync(BROKER) || plugin === undefined) {
    return skipOrFail('Mosquitto', `no ${BROKER} with its dynamic-security plugin`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-mosquitto-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const admin = { username: 'server', password: 'server-password' };
  const accounts = join(folder, 'dynamic-security.json');
  await run('mosquitto_ctrl', ['dynsec', 'init', accounts, admin.username, admin.password]);
  await allowServer(accounts);
  const user = process.getuid?.() === 0 ? 'user root' : '';
  const config = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `plugin ${plugin}`,
    `plugin_opt_config_file ${accounts}`,
    'persistence false',
    user,
  ];
  const file = join(folder, 'mosquitto.conf');
  await writeFile(file, `${config.join('\n')}\n`);
  const launch = async () => {
    const child = spawn(BROKER, ['-c', file], { stdio: 'ignore' });
    await untilOpen(port);
    return child;
  };
  let child = await launch();
  const kill = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    admin,
    async restart() {
      await kill();
      child = await launch();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `init` makes an admin for accounts only; a fleet server also reads and writes fleet topics. */
async function allowServer(file: string): Promise<void> {
  const config = JSON.parse(await readFile(file, 'utf8')) as {
    roles: { rolename: string; acls: unknown[] }[];
  };
  const topic = 'flotilla/#';
  for (const role of config.roles) {
    if (role.rolename !== 'admin') continue;
    for (const acltype of ['publishClientSend', 'publishClientReceive', 'subscribePattern']) {
      role.acls.push({ acltype, topic, priority: 0, allow: true });
    }
  }
  await writeFile(file, JSON.stringify(config));
}

async function untilOpen(port: number): Promise<void> {
  for (const giveUp = Date.now() + 10_000; Date.now() < giveUp; ) {
    const socket = createConnection(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens on ${port}`);
}
