import { deviceTopics } from '@flotilla/protocol';
import type { Random } from './chance.ts';
import { signLogin } from './identity.ts';
import { type Link, openLink } from './link.ts';
import type { DeviceState } from './state.ts';
import type { World } from './world.ts';

const KEEPALIVE_S = 60;
const PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface ConnectionHandlers {
  /** What the broker says for the device when it is gone without a word. */
  will(): Uint8Array;
  opened(): void;
  received(topic: string, payload: Uint8Array): void;
}

/** Keeps a device connected: each try is a log-in of its own, with a `connectSeq` that rises. */
export class Connection {
  readonly #world: World;
  readonly #state: DeviceState;
  readonly #random: Random;
  readonly #handlers: ConnectionHandlers;
  #link: Link | undefined;
  #connecting = false;
  #tries = 0;
  #pause: NodeJS.Timeout | undefined;
  #lastSentMs = 0;
  #stopped = false;

  constructor(world: World, state: DeviceState, random: Random, handlers: ConnectionHandlers) {
    this.#world = world;
    this.#state = state;
    this.#random = random;
    this.#handlers = handlers;
  }

  get online(): boolean {
    return this.#link !== undefined;
  }

  /** Resolves when the first try has ended; it goes on trying by itself where that failed. */
  async connect(): Promise<void> {
    if (this.#stopped || this.#connecting || this.online) return;
    this.#connecting = true;
    try {
      await this.#open();
    } catch {
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries++);
      this.#connectAfter(pause * (0.5 + this.#random() / 2));
    } finally {
      this.#connecting = false;
    }
  }

  publish(topic: string, payload: Uint8Array, retain = false): void {
    if (this.#link === undefined) return;
    this.#world.traffic.up++;
    this.#lastSentMs = this.#world.monotonic();
    this.#link.publish(topic, payload, retain);
  }

  /** Says that it is there, where it has been silent for long. */
  keepAlive(nowMs: number): void {
    if (nowMs - this.#lastSentMs < (KEEPALIVE_S * 1000) / 2) return;
    this.#lastSentMs = nowMs;
    this.#link?.ping();
  }

  /** The cable is pulled, and put back later. */
  dropFor(ms: number): void {
    this.#connectAfter(ms);
    this.#link?.drop();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
    this.#link?.end();
  }

  async #open(): Promise<void> {
    const world = this.#world;
    const { identity } = this.#state;
    const { fleet, device, mqtt } = identity;
    // rises from run to run, even where a run ended without a word
    const connectSeq = Math.max(this.#state.connectSeq + 1, Math.floor(world.now() / 1000));
    this.#state.connectSeq = connectSeq;
    const topics = deviceTopics(fleet, device);
    const link = await openLink({
      url: mqtt.url,
      clientId: device,
      username: mqtt.username,
      password: mqtt.password ?? signLogin(identity, world.now()),
      keepaliveS: KEEPALIVE_S,
      patienceMs: PATIENCE_MS,
      subscriptions: topics.subscriptions,
      will: { topic: topics.up.state, payload: this.#handlers.will() },
      onMessage: (topic, payload) => {
        world.traffic.down++;
        this.#handlers.received(topic, payload);
      },
      onClose: () => this.#closed(connectSeq),
    });
    if (this.#stopped) return link.drop();
    this.#link = link;
    this.#tries = 0;
    world.tell({ kind: 'connected', device });
    this.#handlers.opened();
  }

  #closed(connectSeq: number): void {
    if (this.#link === undefined || connectSeq !== this.#state.connectSeq) return;
    this.#link = undefined;
    this.#world.tell({ kind: 'disconnected', device: this.#state.identity.device });
    if (this.#pause === undefined) this.#connectAfter(FIRST_PAUSE_MS * (0.5 + this.#random()));
  }

  #connectAfter(ms: number): void {
    clearTimeout(this.#pause);
    if (this.#stopped) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      void this.connect();
    }, ms);
  }
}
