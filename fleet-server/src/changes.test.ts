import { expect, it } from 'vitest';
import { type Change, createChanges } from './changes.ts';

const change = (id: string): Change => ({ topic: 'device', fleet: 'default', id });

it('gives each listener every change, in order, until it stops', () => {
  const changes = createChanges('here');
  const heard: string[] = [];
  const stop = changes.subscribe(({ change: { id } }) => heard.push(id));
  changes.emit(change('a'));
  changes.emit(change('b'));
  stop();
  changes.emit(change('c'));
  expect(heard).toEqual(['a', 'b']);
});

it('repeats what came after an id, as long as it remembers', () => {
  const changes = createChanges('here', 3);
  const ids: string[] = [];
  changes.subscribe(({ id }) => ids.push(id));
  for (const id of ['a', 'b', 'c', 'd']) changes.emit(change(id));
  const after = (id: string) => changes.since(id)?.map(({ change: { id: subject } }) => subject);
  expect(after(ids[1]!)).toEqual(['c', 'd']);
  expect(after(ids[3]!)).toEqual([]);
  expect(after(ids[0]!)).toBeUndefined();
  expect(after('elsewhere-2')).toBeUndefined();
});
