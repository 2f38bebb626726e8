import { describe, expect, it } from 'vitest';
import { deviceTopics, fleetTopics, mayPublish, maySubscribe, parseUpTopic } from './topics.ts';

const DEVICE = '01aryz6s41tsv4rrffq69g5fav';
const OTHER = '01aryz6s41tsv4rrffq69g5faw';
const topics = deviceTopics('lyon', DEVICE);

describe('topics of a device', () => {
  it('are those of the design', () => {
    const base = `flotilla/1/lyon/d/${DEVICE}`;
    expect(topics.up).toEqual({
      state: `${base}/up/state`,
      sync: `${base}/up/sync`,
      report: `${base}/up/report`,
      telemetry: `${base}/up/telemetry`,
      live: `${base}/up/live`,
    });
    expect(topics.down).toEqual({ desired: `${base}/down/desired`, ack: `${base}/down/ack` });
    expect(topics.command('c1')).toBe(`${base}/down/cmd/c1`);
    expect(topics.commandResult('c1')).toBe(`${base}/up/cmd/c1`);
    expect(fleetTopics('lyon').halt).toBe('flotilla/1/lyon/all/down/halt');
    expect(fleetTopics('lyon').server('s1')).toBe('flotilla/1/lyon/all/down/server/s1');
  });

  it('that go up are read back', () => {
    for (const [kind, topic] of Object.entries(topics.up)) {
      expect(parseUpTopic(topic)).toEqual({ fleet: 'lyon', device: DEVICE, kind, rest: '' });
    }
    expect(parseUpTopic(topics.commandResult('c1'))).toMatchObject({ kind: 'cmd', rest: 'c1' });
  });

  it.each([
    '',
    'flotilla/1/lyon',
    topics.down.desired,
    `${topics.up.state}/x`,
    topics.up.state.replace('/up/state', '/up/cmd'),
    topics.up.state.replace('/up/state', '/up/cmd/a/b'),
    topics.up.state.replace('/up/state', '/up/cmd/#'),
    topics.up.state.replace('/up/state', '/up/other'),
    topics.up.state.replace('flotilla/1', 'flotilla/2'),
    topics.up.state.replace('lyon', 'LYON'),
    topics.up.state.replace('lyon', '+'),
    topics.up.state.replace(DEVICE, 'device'),
    `/${topics.up.state}`,
    `${topics.up.state}\n`,
  ])('%j is none that goes up', (topic) => {
    expect(() => parseUpTopic(topic)).toThrow(/is not one of ours/);
  });
});

describe('a device may', () => {
  it('publish on its own up topics and nowhere else', () => {
    const may = (topic: string) => mayPublish('lyon', DEVICE, topic);
    expect([...Object.values(topics.up), topics.commandResult('c1')].every(may)).toBe(true);
    const others = [
      deviceTopics('lyon', OTHER).up.state,
      deviceTopics('nice', DEVICE).up.state,
      ...Object.values(topics.down),
      fleetTopics('lyon').halt,
      `${topics.up.state}/x`,
      `flotilla/1/lyon/d/${DEVICE}/up/#`,
      `flotilla/1/lyon/d/+/up/state`,
      '$SYS/broker',
    ];
    expect(others.filter(may)).toEqual([]);
  });

  it('subscribe to its own down topics and its fleet’s, and to nothing else', () => {
    const may = (filter: string) => maySubscribe('lyon', DEVICE, filter);
    const own = [...topics.subscriptions, topics.down.desired, fleetTopics('lyon').halt];
    expect(own.every(may)).toBe(true);
    const others = [
      '#',
      '+/1/lyon/all/down/#',
      'flotilla/1/lyon/#',
      'flotilla/1/lyon/all/#',
      'flotilla/1/lyon/d/+/down/#',
      'flotilla/1/+/all/down/#',
      `flotilla/1/lyon/d/${DEVICE}/#`,
      `flotilla/1/lyon/d/${DEVICE}/up/#`,
      `flotilla/1/lyon/d/${DEVICE}/down`,
      `flotilla/1/lyon/d/${DEVICE}/downs/x`,
      deviceTopics('lyon', OTHER).down.desired,
      deviceTopics('nice', DEVICE).down.desired,
      `$share/g/flotilla/1/lyon/d/${DEVICE}/down/#`,
    ];
    expect(others.filter(may)).toEqual([]);
  });
});
