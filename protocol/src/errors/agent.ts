import { refused, transient, usage } from './row.ts';

/** The agent on a device. */
export const AGENT_ERRORS = {
  'agent.already-enrolled': usage(
    (c: { data: string; device: string }) =>
      `${c.data} holds device ${c.device} already: choose another --data folder, or remove this one to enroll anew`,
  ),
  'agent.data-corrupt': refused(
    500,
    (c: { file: string; reason: string }) =>
      `${c.file} in the data folder cannot be read (${c.reason}): enroll this device anew in an empty folder`,
  ),
  'agent.data-newer': refused(
    500,
    (c: { file: string; format: number; known: number }) =>
      `${c.file} has format ${c.format}, this agent knows up to ${c.known}: update flotilla-agent`,
  ),
  'agent.enroll-refused': refused(
    403,
    (c: { server: string; reason: string }) =>
      `${c.server} refused this device (${c.reason}): ask for a new claim token`,
  ),
  'agent.foreign-folder': usage(
    (c: { data: string }) =>
      `${c.data} belongs to another user: run this as root or as the user of the agent`,
  ),
  'agent.in-use': usage(
    (c: { data: string; pid: number }) =>
      `${c.data} is in use by process ${c.pid}: stop that agent first`,
  ),
  'agent.login-refused': transient(
    401,
    (c: { url: string; reason: string }) =>
      `${c.url} refused the log-in of this device (${c.reason}): check that it was not removed from the fleet`,
  ),
  'agent.not-enrolled': usage(
    (c: { data: string }) =>
      `${c.data} holds no enrolled device: run flotilla-agent enroll --server URL --token TOKEN first, or flotilla-agent load FILE.flotilla to go without a server`,
  ),
  'agent.not-running': refused(
    503,
    (c: { data: string }) =>
      `no agent runs on ${c.data}: start it with flotilla-agent run --data ${c.data}`,
  ),
  'agent.port-in-use': usage(
    (c: { address: string }) => `${c.address} is in use: choose another address with --http`,
  ),
  'agent.unreachable': transient(
    503,
    (c: { url: string; reason: string }) =>
      `${c.url} does not answer (${c.reason}): check the address and the network`,
  ),
  'delta.invalid': refused(
    422,
    (c: { reason: string }) =>
      `a delta cannot be used (${c.reason}): the whole blob is needed instead`,
  ),
  'deployment.errors': refused(
    500,
    (c: { slot: string; errors: number; inferences: number }) =>
      `${c.errors} of ${c.inferences} inferences in slot ${c.slot} failed while the new model was watched: look at its inputs`,
  ),
  'deployment.halted': refused(
    409,
    (c: { slot: string }) =>
      `nothing is loaded into slot ${c.slot} while the fleet is halted: end the halt on the server first`,
  ),
  'deployment.hung': refused(
    500,
    (c: { slot: string; seconds: number }) =>
      `the new model in slot ${c.slot} ended no inference for ${c.seconds} s: look at the runtime and its provider`,
  ),
  'deployment.load-timeout': refused(
    500,
    (c: { bundle: string; seconds: number }) =>
      `${c.bundle} was not loaded after ${c.seconds} s: choose a smaller variant or raise --load-timeout`,
  ),
  'deployment.memory': refused(
    500,
    (c: { slot: string; grown: number; stated: number }) =>
      `the agent grew by ${c.grown} bytes with the new model in slot ${c.slot}, which states ${c.stated}: look for a leak, or raise --watch-memory`,
  ),
  'deployment.self-test-failed': refused(
    422,
    (c: { bundle: string; reason: string }) =>
      `${c.bundle} does not reproduce its golden outputs here: ${c.reason}; build it again for this device's target`,
  ),
  'deployment.slow': refused(
    500,
    (c: { slot: string; runs: number; runMs: number; benchmarkMs: number }) =>
      `the fastest quarter of ${c.runs} runs in slot ${c.slot} took up to ${c.runMs} ms while the new model was watched, and ${c.benchmarkMs} ms in its self-test: look at heat and at what else runs`,
  ),
  'deployment.too-big': refused(
    422,
    (c: { bundle: string; bytes: number; limit: number }) =>
      `${c.bundle} took ${c.bytes} bytes of memory in its self-test, more than the limit of ${c.limit}: choose a smaller variant or raise the limit`,
  ),
  'deployment.too-slow': refused(
    422,
    (c: { bundle: string; latencyMs: number; limitMs: number }) =>
      `${c.bundle} took ${c.latencyMs} ms for a run in its self-test, more than the limit of ${c.limitMs} ms: choose a faster variant or raise the limit`,
  ),
  'deployment.unfit': refused(
    422,
    (c: { bundle: string; reason: string }) =>
      `${c.bundle} does not fit this device: ${c.reason}; choose another variant`,
  ),
  'doctor.failed': refused(
    500,
    (c: { checks: string }) =>
      `not well: ${c.checks}; do what stands beside "→", then look again with flotilla-agent doctor`,
  ),
  'download.disk-full': refused(
    507,
    (c: { needed: number; missing: number }) =>
      `the bundle needs ${c.needed} bytes on disk, ${c.missing} more than there is room for: delete files, raise --disk-quota, or remove a model from the device`,
  ),
  'download.failed': transient(
    502,
    // `retryAfterMs`: what the server asked for
    (c: { url: string; reason: string; retryAfterMs?: number }) =>
      `${c.url} could not be fetched: ${c.reason}`,
  ),
  'download.metered': transient(
    503,
    (c: { link: string; why: string; policy: string }) =>
      `${c.link} is metered (${c.why}) and the policy is ${c.policy}: the download waits for another link`,
  ),
  'download.not-found': refused(
    404,
    (c: { url: string }) =>
      `${c.url} does not exist on the server: the artifact was removed or never stored`,
  ),
  'http.bad-path': refused(
    400,
    (c: { path: string }) => `${c.path} is not a path: a % in it begins no character`,
  ),
  'http.broken-body': refused(
    400,
    (c: { encoding: string }) => `the body is not what its Content-Encoding says, ${c.encoding}`,
  ),
  'http.encoding': refused(
    415,
    (c: { encoding: string }) =>
      `the Content-Encoding ${c.encoding} is not read: send gzip, deflate, or none`,
  ),
  'http.foreign': refused(
    403,
    (c: { what: string }) =>
      `a request from ${c.what} is not answered: only programs on this machine are served, not web pages`,
  ),
  'http.media-type': refused(
    415,
    (c: { type: string }) =>
      `the Content-Type ${c.type} is not read: send application/json or application/octet-stream`,
  ),
  'http.no-route': refused(404, (c: { path: string }) => `there is nothing at ${c.path}`),
  'http.wrong-method': refused(
    405,
    (c: { path: string; method: string; allowed: string }) =>
      `${c.path} does not take ${c.method}, but ${c.allowed}`,
  ),
  'infer.bad-request': refused(
    400,
    (c: { where: string; reason: string }) => `${c.where}: ${c.reason}`,
  ),
  'infer.busy': transient(
    503,
    (c: { slot: string; waiting: number }) =>
      `${c.slot} has ${c.waiting} requests waiting already: try again in a moment, or send fewer at once`,
  ),
  'infer.failed': refused(
    500,
    (c: { slot: string; reason: string }) => `${c.slot} could not run on this input: ${c.reason}`,
  ),
  'infer.no-slot': refused(
    404,
    (c: { slot: string; known: string }) =>
      `no model runs in slot ${c.slot}; this device runs ${c.known}`,
  ),
  'infer.not-served': refused(
    400,
    (c: { what: string; instead: string }) => `${c.what} is not served here: ${c.instead}`,
  ),
  'infer.too-large': refused(
    413,
    (c: { what: string; bytes: number; limit: number }) =>
      `${c.what} has ${c.bytes} bytes, more than the limit of ${c.limit}: send a smaller input`,
  ),
  'label.given': refused(
    409,
    (c: { id: string; before: string }) =>
      `the inference ${c.id} was labeled ${c.before} before: the first label counts`,
  ),
  'label.invalid': refused(
    400,
    (c: { slot: string; reason: string }) => `no label for slot ${c.slot}: ${c.reason}`,
  ),
  'label.not-found': refused(
    404,
    (c: { slot: string; id: string; kept: number }) =>
      `slot ${c.slot} remembers no inference ${c.id}: it keeps its last ${c.kept} classifications until the agent ends`,
  ),
  'storage.full': refused(
    507,
    (c: { file: string }) =>
      `${c.file} cannot be written, the disk is full: make room on the device`,
  ),
  'load.failed': refused(
    422,
    (c: { bundle: string; slot: string; step: string; reason: string }) =>
      `${c.bundle} was not put into slot ${c.slot}, which is as before; at ${c.step}: ${c.reason}`,
  ),
  'load.none': refused(
    404,
    (c: { slot: string }) =>
      `slot ${c.slot} holds nothing that was loaded by hand: flotilla-agent status shows what runs`,
  ),
  'load.unreadable': refused(
    422,
    (c: { file: string; reason: string }) =>
      `${c.file} cannot be read (${c.reason}): check the path and the medium`,
  ),
  'local.refused': refused(409, (c: { reason: string }) => `refused: ${c.reason}`),
  'local.token': refused(
    401,
    () =>
      'this changes the models of the device: send the token from local-token in its data folder',
  ),
  'service.command-failed': refused(
    500,
    (c: { command: string; reason: string }) =>
      `${c.command} failed (${c.reason}): mend that, then run this command again`,
  ),
  'service.folder-foreign': usage(
    (c: { data: string }) =>
      `${c.data} holds files that are not an agent's: choose a new or an empty folder`,
  ),
  'service.not-installed': usage(
    (c: { path: string }) =>
      `${c.path} is no unit that flotilla-agent install wrote: say where it is with --unit-dir`,
  ),
  'service.not-root': usage(
    () => 'this changes the system: run it as root, or see what it would do with --dry-run',
  ),
  'service.program-hidden': usage(
    (c: { program: string; folder: string }) =>
      `${c.program} lies in ${c.folder}, which the user of the service may not enter: unpack the agent below /opt`,
  ),
} as const;
