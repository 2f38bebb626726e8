import type { AgentStatus } from '../../core/index.ts';
import type { Metric, Sample } from './exposition.ts';

/** How the device and its agent fare. */
export function deviceMetrics(status: AgentStatus): readonly Metric[] {
  const { health, outbox, online, halted, slots, version, fleet, device } = status;
  const one = (value: number): readonly Sample[] => [{ value }];
  return [
    {
      name: 'flotilla_agent_info',
      help: 'The agent that runs.',
      type: 'gauge',
      samples: [{ labels: { version, fleet, device }, value: 1 }],
    },
    {
      name: 'flotilla_online',
      help: '1 while the agent is connected to its fleet.',
      type: 'gauge',
      samples: one(online ? 1 : 0),
    },
    {
      name: 'flotilla_halted',
      help: '1 while the fleet is halted.',
      type: 'gauge',
      samples: one(halted ? 1 : 0),
    },
    {
      name: 'flotilla_slot_state',
      help: '1 for the state that a slot is in.',
      type: 'gauge',
      samples: slots.flatMap((slot) =>
        SLOT_STATES.map((state) => ({
          labels: { slot: slot.slot, state },
          value: stateOf(slot) === state ? 1 : 0,
        })),
      ),
    },
    {
      name: 'flotilla_outbox_records',
      help: 'Records that the server has not acknowledged.',
      type: 'gauge',
      samples: one(outbox.pending),
    },
    {
      name: 'flotilla_outbox_bytes',
      help: 'Size of the outbox on the disk.',
      type: 'gauge',
      samples: one(outbox.bytes),
    },
    {
      name: 'flotilla_outbox_dropped_total',
      help: 'Records dropped because the outbox was full or they were too old.',
      type: 'counter',
      samples: one(outbox.dropped),
    },
    {
      name: 'flotilla_outbox_rejected_total',
      help: 'Records that the server rejected.',
      type: 'counter',
      samples: one(outbox.rejected),
    },
    {
      name: 'flotilla_written_bytes_total',
      help: 'Bytes that the agent made the disk write.',
      type: 'counter',
      samples: one(health.bytesWritten),
    },
    {
      name: 'flotilla_temperature_celsius',
      help: 'Of the hottest zone; absent where no sensor tells.',
      type: 'gauge',
      samples: health.temperatureC > 0 ? one(health.temperatureC) : [],
    },
    {
      name: 'flotilla_throttled',
      help: '1 while heat or voltage slows the processor down.',
      type: 'gauge',
      samples: one(health.throttledBy.length > 0 ? 1 : 0),
    },
  ];
}

const SLOT_STATES = ['ready', 'on-trial', 'not-ready'] as const;

function stateOf({ ready, trial }: AgentStatus['slots'][number]): (typeof SLOT_STATES)[number] {
  if (!ready) return 'not-ready';
  return trial === undefined ? 'ready' : 'on-trial';
}
