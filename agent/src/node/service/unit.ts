/** As systemd knows the installed agent. */
export const UNIT_NAME = 'flotilla-agent.service';
export const UNIT_DIR = '/etc/systemd/system';

/** The command that the service runs; all else comes from its environment. */
const START_COMMAND = 'launch';

export interface UnitSettings {
  /** Program and arguments that start `flotilla-agent`, absolute. */
  readonly program: readonly string[];
  readonly data: string;
  readonly user: string;
  /** Groups whose devices it may open; systemd refuses one that does not exist. */
  readonly groups: readonly string[];
  /** Also opens the devices of NVIDIA's GPU. */
  readonly jetson: boolean;
}

/** Groups that cameras, GPUs and microphones belong to. */
export const DEVICE_GROUPS = ['video', 'render', 'audio'] as const;

/** Cameras, displays that also compute, microphones (names of `/proc/devices`). */
const DEVICES = ['char-video4linux', 'char-media', 'char-drm', 'char-alsa'];
const JETSON_DEVICES = [
  'char-nvhost*',
  'char-nvgpu*',
  'char-nvidia*',
  'char-nvmap',
  '/dev/nvmap',
  '/dev/nvsciipc',
  '/dev/host1x-fence',
];

/**
 * A unit of type notify, restarted for ever and watched (systemd.service(5)), in a sandbox that
 * leaves it the data folder, its devices and the network (systemd.exec(5)). Code that is compiled
 * at run time needs memory that is written and executed, and a share of memory for models.
 */
export function unitText({ program, data, user, groups, jetson }: UnitSettings): string {
  const devices = [...DEVICES, ...(jetson ? JETSON_DEVICES : [])];
  return `# Written by flotilla-agent install.
[Unit]
Description=Flotilla agent
After=network.target time-sync.target
RequiresMountsFor=${quoted(data)}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${[...program, START_COMMAND].map(executed).join(' ')}
Environment=${quoted(`FLOTILLA_AGENT_DATA=${data}`)}
Environment=MALLOC_ARENA_MAX=2
EnvironmentFile=-/etc/default/flotilla-agent
WorkingDirectory=${unquoted(data)}
RuntimeDirectory=flotilla-agent
SyslogIdentifier=flotilla-agent
UMask=0077

User=${user}
SupplementaryGroups=${groups.join(' ')}

Restart=always
RestartSec=2
WatchdogSec=120
WatchdogSignal=SIGKILL
TimeoutStartSec=300
TimeoutStopSec=30
KillMode=mixed
OOMPolicy=continue
MemoryMax=75%
TasksMax=512
LimitCORE=0

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${quoted(data)}
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
DevicePolicy=closed
${devices.map((device) => `DeviceAllow=${device} rw`).join('\n')}

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a setting: in quotes where it needs them, with specifiers undone. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%');
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
}

/** A word of a command, in which variables are put in too. */
const executed = (word: string): string => quoted(word).replaceAll('$', '$$$$');

/** A setting that takes one path to the end of the line, and no quotes. */
const unquoted = (path: string): string => path.replaceAll('%', '%%');

/** What `uninstall` must know of an installed unit. */
export function readUnit(text: string): Pick<UnitSettings, 'data' | 'user'> | undefined {
  const data = /^WorkingDirectory=(.+)$/m.exec(text)?.[1];
  const user = /^User=(.+)$/m.exec(text)?.[1];
  if (!text.startsWith('# Written by flotilla-agent install.') || !data || !user) return undefined;
  return { data: data.replaceAll('%%', '%'), user };
}
