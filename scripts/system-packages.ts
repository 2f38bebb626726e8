/**
 * Brings what the tests need from the system. As root on Debian it installs what is missing;
 * elsewhere it names what the suites will skip. With CI=true a missing program is a failure.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const NEEDED = [
  { package: 'mosquitto', file: '/usr/sbin/mosquitto', for: 'the story on an external broker' },
  {
    package: 'postgresql-15',
    file: '/usr/lib/postgresql/15/bin/postgres',
    for: 'storage on PostgreSQL',
  },
  { package: 'systemd', file: '/usr/bin/systemd-notify', for: 'the agent under systemd' },
  { package: 'python3', file: '/usr/bin/python3', for: 'the agent under systemd' },
  {
    package: 'qemu-user-static',
    file: '/usr/bin/qemu-aarch64-static',
    for: 'the agent and its runtimes on arm64',
  },
  {
    package: 'libc6-arm64-cross',
    file: '/usr/aarch64-linux-gnu/lib/libc.so.6',
    for: 'the agent and its runtimes on arm64',
  },
  {
    package: 'libstdc++6-arm64-cross',
    file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6',
    for: 'the agent and its runtimes on arm64',
  },
  {
    package: 'libgcc-s1-arm64-cross',
    file: '/usr/aarch64-linux-gnu/lib/libgcc_s.so.1',
    for: 'the agent and its runtimes on arm64',
  },
  { package: 'ffmpeg', file: '/usr/bin/ffmpeg', for: 'cameras, video files and streams' },
  { package: 'chromium', file: '/usr/bin/chromium', for: 'the dashboard in a browser' },
] as const;

const missing = () => NEEDED.filter((program) => !existsSync(program.file));

function apt(...args: string[]): boolean {
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['-qq', '-y', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return true;
  } catch {
    return false;
  }
}

function install(): void {
  const packages = missing().map((program) => program.package);
  console.log(`installing ${packages.join(', ')} (the tests run the real programs)`);
  if (!apt('install', '--no-install-recommends', ...packages)) {
    apt('update');
    apt('install', '--no-install-recommends', ...packages);
  }
}

if (missing().length > 0 && process.getuid?.() === 0 && existsSync('/etc/debian_version'))
  install();
for (const program of missing()) {
  console.log(
    `skipped: ${program.for} (${program.file} is missing: apt-get install ${program.package})`,
  );
}
if (missing().length > 0 && process.env.CI === 'true') {
  console.error('with CI=true every program above must be there');
  process.exit(1);
}
