import { expect, test } from 'vitest';
import { type DriftAlert, groupAlerts } from './groups.ts';

const alert = (fields: Partial<DriftAlert>): DriftAlert => ({
  id: 'a',
  scope: 'device',
  device: 'd1',
  deviceName: 'pi 1',
  model: 'parts',
  version: 2,
  feature: 'brightness',
  state: 'open',
  sinceMs: 0,
  closedMs: 0,
  statistic: 1,
  threshold: 0.5,
  sentence: '',
  data: { edges: [], reference: [], observed: [] },
  ...fields,
});

test('the fleet leads, devices follow by name, and the worst feature of each comes first', () => {
  const groups = groupAlerts([
    alert({ id: '1', device: 'd10', deviceName: 'pi 10' }),
    alert({ id: '2', device: 'd9', deviceName: 'pi 9', statistic: 1 }),
    alert({ id: '3', device: 'd9', deviceName: 'pi 9', statistic: 4, feature: 'contrast' }),
    alert({ id: '4', scope: 'fleet', device: '', deviceName: '' }),
  ]);
  expect(groups.map(({ alerts }) => alerts.map(({ id }) => id))).toEqual([
    ['4'],
    ['3', '2'],
    ['1'],
  ]);
});

test('two versions on one device are two groups', () => {
  expect(groupAlerts([alert({ version: 1 }), alert({ version: 2 })])).toHaveLength(2);
  expect(groupAlerts([])).toEqual([]);
});
