/** A message from a device on one of its `up` topics. */
export interface UpMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/**
 * Port for the MQTT broker, embedded or outside. Nothing relies on its memory: what is lost here is
 * said again when the device connects and syncs.
 */
export interface Broker {
  /** Where a device connects, as `mqtt://host:port`; told to it at enrolment. */
  readonly url: string;
  /** Resolves when the broker has taken the message (QoS 1) or it was sent (QoS 0). */
  publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void>;
  /** Hears every message on `flotilla/1/+/d/+/up/#`; one handler, set once before devices connect. */
  onUp(handler: (message: UpMessage) => void): void;
  /** Told each time that the connection to the broker was lost and is there again. */
  onReconnect(handler: () => void): void;
  /** What a device logs in with when its JWT is not understood there; undefined where it is. */
  provision(fleet: string, device: string): Promise<BrokerLogin | undefined>;
  /** Ends a device's sessions and its right to log in. */
  revoke(fleet: string, device: string): Promise<void>;
  close(): Promise<void>;
}

export interface BrokerLogin {
  readonly username: string;
  readonly password: string;
}
