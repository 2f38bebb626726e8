import {
  type Ack,
  type Desired,
  type Draft,
  decode,
  deviceTopics,
  encode,
  fleetTopics,
  type Halt,
  type Record as OutboxRecord,
  PROTOCOL_MINOR,
} from '@flotilla/protocol';
import type { Attempt } from './attempt.ts';
import { capabilitiesOf } from './capabilities.ts';
import { type Random, seededRandom } from './chance.ts';
import { Connection } from './connection.ts';
import { type FaultKind, type FindFault, faultsOfDevice } from './faults.ts';
import { Outbox, type OutboxTopic } from './outbox.ts';
import { Slots } from './slots.ts';
import type { DeviceState, Installed } from './state.ts';
import { speedOf } from './telemetry.ts';
import type { World } from './world.ts';

/** A crash, and a connection that is lost for nothing, last so long. */
const RESTART_MS = 1500;
/** Windows of a fleet end together; messages take their time. */
const LONGEST_DELAY_MS = 2000;
const DEFAULT_WINDOW_MS = 60_000;
const STEP_SPREAD = 0.5;

/**
 * One simulated device: it speaks the protocol as an agent does, and what it says of inference and
 * of deployments is made up. Signatures of the server are not checked.
 */
export class SimulatedDevice {
  readonly state: DeviceState;
  readonly #world: World;
  readonly #topics;
  readonly #faults: FindFault;
  readonly #random: Random;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #slots: Slots;
  #haltCounter = -1;
  #windowMs = DEFAULT_WINDOW_MS;
  #windowEndMs = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(world: World, state: DeviceState) {
    this.#world = world;
    this.state = state;
    this.#topics = deviceTopics(state.identity.fleet, state.identity.device);
    this.#faults = faultsOfDevice(world.rules, world.seed, state.index);
    this.#random = seededRandom(world.seed ^ Math.imul(state.index + 1, 0x9e3779b1));
    this.#outbox = new Outbox(state.outbox || undefined, state.nextSeq);
    this.#slots = new Slots({
      world,
      state,
      faults: this.#faults,
      random: this.#random,
      speed: speedOf(this.#random),
      stepMs: world.stepMs * Math.exp(STEP_SPREAD * (this.#random() - 0.5)),
      clock: () => this.#stamp().wallMs,
      windowMs: () => this.#windowMs,
      report: (outcome) => this.#record('report', { outcome }),
      measured: (window) => this.#record('telemetry', { window }),
      announce: () => this.#announce(),
      goAway: (ms) => this.#connection.dropFor(ms),
    });
    this.#connection = new Connection(world, state, this.#random, {
      will: () => this.#stateMessage(false),
      opened: () => this.#greet(),
      received: (topic, payload) => this.#received(topic, payload),
    });
  }

  get id(): string {
    return this.state.identity.device;
  }

  get online(): boolean {
    return this.#connection.online;
  }

  /** Records that the server has not acknowledged. */
  get pending(): number {
    return this.#outbox.pending;
  }

  /** What its slots run now, on trial or committed. */
  get runs(): readonly Installed[] {
    return this.#slots.active;
  }

  get attempts(): readonly Attempt[] {
    return this.#slots.attempts;
  }

  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** What time brings: called about once a second for every device. */
  tick(nowMs: number): void {
    if (this.#world.now() >= this.#windowEndMs) this.#turnWindows();
    if (!this.online) return;
    this.#outbox.forgetSent(nowMs);
    this.#sendOutbox();
    this.#connection.keepAlive(nowMs);
    if (this.#world.rules.length === 0) return;
    if (this.#happens('crash')) this.#crash();
    else if (this.#happens('flap')) this.#connection.dropFor(RESTART_MS);
  }

  /** Says goodbye. */
  stop(): void {
    clearTimeout(this.#restart);
    this.#slots.stop();
    if (this.online) {
      this.#connection.publish(this.#topics.up.state, this.#stateMessage(false), true);
    }
    this.#connection.stop();
  }

  /** Brings `state` up to date: what is kept for the next run. */
  save(): void {
    const { state } = this;
    state.outbox = this.#outbox.id;
    state.nextSeq = this.#outbox.next;
    state.active = this.#slots.committed('active');
    state.shadows = this.#slots.committed('shadow');
  }

  #greet(): void {
    this.#announce();
    this.#connection.publish(this.#topics.up.sync, this.#syncMessage());
    this.#outbox.forgetSent();
    this.#sendOutbox();
  }

  #received(topic: string, payload: Uint8Array): void {
    const { down, command } = this.#topics;
    if (topic === down.ack) this.#settled(decode('Ack', payload));
    else if (topic === down.desired) this.#take(decode('Desired', payload));
    else if (topic === fleetTopics(this.state.identity.fleet).halt) {
      this.#halt(decode('Halt', payload));
    } else if (topic.startsWith(command(''))) this.#refuse(topic.slice(command('').length));
  }

  #settled(ack: Ack): void {
    this.#outbox.settle(ack);
    this.#sendOutbox();
  }

  #take(desired: Desired): void {
    const { state } = this;
    const { generation, revision, config, halt } = desired;
    if ((generation - state.generation || revision - state.revision) < 0) return;
    Object.assign(state, { generation, revision });
    const windowMs = config?.telemetryWindowMs || DEFAULT_WINDOW_MS;
    if (windowMs !== this.#windowMs) this.#windowEndMs = 0;
    this.#windowMs = windowMs;
    if (halt != null) this.#halt(halt);
    this.#slots.want(desired);
  }

  #halt({ counter, halted }: Pick<Halt, 'counter' | 'halted'>): void {
    if (counter <= this.#haltCounter) return;
    this.#haltCounter = counter;
    this.#slots.halt(halted);
  }

  #refuse(command: string): void {
    const text = 'a simulated device carries out no commands';
    const refusal = { at: this.#stamp(), ok: false, code: 'command.unsupported', text };
    this.#connection.publish(this.#topics.commandResult(command), encode('CommandResult', refusal));
  }

  #crash(): void {
    this.#world.tell({ kind: 'crashed', device: this.id });
    this.state.uncleanStarts++;
    this.#slots.crash();
    this.#connection.dropFor(RESTART_MS);
    this.#restart = setTimeout(() => this.#slots.restart(), RESTART_MS);
  }

  /** Whether a fault that comes again and again comes in this second. */
  #happens(kind: FaultKind): boolean {
    const { runs } = this;
    const subjects = runs.length > 0 ? runs : [{ model: '', version: 0 }];
    return subjects.some(({ model, version }) => {
      const fault = this.#faults(kind, model, version);
      return fault !== undefined && this.#random() < 1 / Math.max(1, fault.seconds);
    });
  }

  #stamp() {
    const wrong = this.#faults('clock', '', 0);
    return {
      wallMs: Math.round(this.#world.now() + 1000 * (wrong?.seconds ?? 0)),
      monotonicMs: Math.round(this.#world.monotonic()),
      clockSynced: wrong === undefined,
    };
  }

  #announce(): void {
    this.#connection.publish(this.#topics.up.state, this.#stateMessage(true), true);
  }

  #stateMessage(online: boolean): Uint8Array {
    const { connectSeq, profile, uncleanStarts } = this.state;
    const birth = {
      protocolMinor: PROTOCOL_MINOR,
      capabilities: capabilitiesOf(profile.target),
      active: this.#slots.active,
      agentVersion: 'simulated',
      timeZone: profile.timeZone,
      uncleanStarts,
    };
    return encode('State', { ...(online ? birth : {}), at: this.#stamp(), online, connectSeq });
  }

  #syncMessage(): Uint8Array {
    const { generation, revision, ended } = this.state;
    const { active, underWay } = this.#slots;
    return encode('Sync', {
      at: this.#stamp(),
      generation,
      revision,
      active,
      outcomes: [...ended.map(({ outcome }) => outcome), ...underWay],
      digests: active.map(({ digest }) => digest),
    });
  }

  #record(topic: OutboxTopic, body: Pick<Draft<OutboxRecord>, 'outcome' | 'window'>): void {
    const outbox = this.#outbox;
    const at = this.#stamp();
    outbox.add(topic, (seq) => encode('Record', { at, outbox: outbox.id, seq, ...body }));
    this.#sendOutbox();
  }

  #sendOutbox(): void {
    if (!this.online) return;
    this.#outbox.send(this.#world.monotonic(), (topic, payload) =>
      this.#connection.publish(this.#topics.up[topic], payload),
    );
  }

  #turnWindows(): void {
    const nowMs = this.#world.now();
    if (this.#windowEndMs > 0) this.#slots.closeWindows();
    this.#slots.openWindows();
    const delay = this.#random() * Math.min(LONGEST_DELAY_MS, this.#windowMs / 5);
    this.#windowEndMs = nowMs - (nowMs % this.#windowMs) + this.#windowMs + delay;
  }
}
