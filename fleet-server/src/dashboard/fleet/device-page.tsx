import { useDashboard, useResource } from '../app/context.ts';
import { count, latency, plural } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { TimeChart } from '../charts/time-chart.tsx';
import { PredictionsSection } from '../drift/predictions.tsx';
import { DeploymentList } from './deployments.tsx';
import { LastSeen, OnlineDot } from './device-line.tsx';

interface Device {
  readonly device: string;
  readonly name: string;
  readonly status: string;
  readonly target: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly agentVersion: string;
  readonly incompatible: string;
  readonly online: boolean;
  readonly lastSeenMs: number;
  readonly capabilities: {
    readonly board?: string;
    readonly cpuModel?: string;
    readonly jetpack?: string;
    readonly powerMode?: string;
    readonly cameras?: readonly string[];
  };
  readonly active: readonly {
    readonly slot?: string;
    readonly model?: string;
    readonly version?: number;
    readonly precision?: string;
  }[];
}

interface Telemetry {
  readonly series: readonly {
    readonly startMs: number;
    readonly version: number;
    readonly inferences: number;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly confidence: number;
  }[];
}

/** One device: what it runs, how that went, what it measured in the last hour. */
export function DevicePage({ id }: { readonly id: string }) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(() => api.get<Device>(`/devices/${id}`), {
    when: (change) => change.topic === 'device' && change.id === id,
  });
  const device = value.value;
  if (device === undefined) {
    return <p class="card placeholder muted">{trouble.value || 'Loading device …'}</p>;
  }
  return (
    <>
      <DeviceHead device={device} />
      <Series id={id} />
      <DeploymentList id={id} />
      <PredictionsSection device={id} />
    </>
  );
}

function DeviceHead({ device }: { readonly device: Device }) {
  const { name, status, online, target, tags, agentVersion, active, lastSeenMs } = device;
  const state = status === 'accepted' ? (online ? 'online' : 'offline') : status;
  return (
    <header class="head">
      <div>
        <p class="crumb">
          <a href={hrefOf({ page: 'fleet' })}>Fleet</a>
        </p>
        <h1>
          <OnlineDot status={status} online={online} /> <bdi>{name || device.device}</bdi>
        </h1>
        <p class="muted">
          {state}, last seen <LastSeen ms={lastSeenMs} /> ·{' '}
          <span class="mono">{target || 'unknown target'}</span>
          {agentVersion !== '' && ` · agent ${agentVersion}`} ·{' '}
          <span class="mono small">{device.device}</span>
        </p>
        {device.incompatible !== '' && (
          <p>
            <span class="unmanaged">not managed</span> {device.incompatible}
          </p>
        )}
        <Hardware capabilities={device.capabilities} />
        <p class="chips">
          {active.map(({ slot, model, version, precision }) => (
            <span key={slot} class="tag strong mono">
              {`${model}@${version} ${precision}${slot === model ? '' : ` in ${slot}`}`}
            </span>
          ))}
          {Object.entries(tags).map(([key, value]) => (
            <span key={key} class="tag mono">
              {`${key}=${value}`}
            </span>
          ))}
        </p>
      </div>
    </header>
  );
}

/** What the device said that it is; nothing where it said nothing. */
function Hardware({ capabilities }: Pick<Device, 'capabilities'>) {
  const { board, cpuModel, jetpack, powerMode, cameras = [] } = capabilities;
  const said = [
    board || cpuModel,
    jetpack && `JetPack ${jetpack}`,
    powerMode && `power mode ${powerMode}`,
    cameras.length > 0 && plural(cameras.length, 'camera'),
  ].filter(Boolean);
  return said.length > 0 ? <p class="muted">{said.join(' · ')}</p> : null;
}

function Series({ id }: { readonly id: string }) {
  const { api } = useDashboard();
  const { value } = useResource(() => api.get<Telemetry>(`/devices/${id}/telemetry`), {
    when: (change) => change.topic === 'telemetry' && change.id === id,
    intervalMs: 2000,
  });
  const series = value.value?.series;
  if (series === undefined) return <p class="card placeholder muted">Loading telemetry …</p>;
  if (series.length === 0) {
    return <p class="card placeholder muted">No telemetry in the last hour.</p>;
  }
  const times = series.map(({ startMs }) => startMs);
  const measured = (number: number) => (number > 0 ? number : null);
  const total = series.reduce((sum, { inferences }) => sum + inferences, 0);
  return (
    <section class="card" aria-labelledby="series-title">
      <h2 id="series-title">
        Last hour <span class="muted small">{plural(total, 'inference')}</span>
      </h2>
      <div class="columns three">
        <TimeChart
          title="Latency by minute"
          times={times}
          lines={[
            {
              label: 'p95',
              color: '--observed',
              format: latency,
              values: series.map(({ p95Ms }) => measured(p95Ms)),
            },
            {
              label: 'p50',
              color: '--reference-line',
              format: latency,
              values: series.map(({ p50Ms }) => measured(p50Ms)),
            },
          ]}
        />
        <TimeChart
          title="Mean confidence by minute"
          times={times}
          most={1}
          lines={[
            {
              label: 'confidence',
              color: '--observed',
              format: (value) => value.toFixed(2),
              values: series.map(({ confidence }) => measured(confidence)),
            },
          ]}
        />
        <TimeChart
          title="Inferences by minute"
          times={times}
          lines={[
            {
              label: 'inferences a minute',
              color: '--observed',
              format: count,
              values: series.map(({ inferences }) => inferences),
            },
          ]}
        />
      </div>
    </section>
  );
}
