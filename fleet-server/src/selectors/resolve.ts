import { closestName, isFlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { findGroup, type GroupRow, listGroups, readMembers } from '../groups/store.ts';
import { type CompiledSelector, compileSelector, groupsIn } from './compile.ts';
import { parseSelector } from './parse.ts';
import { invalid, show } from './scan.ts';
import type { Expression, Word } from './syntax.ts';

/** A selector with all that its groups say. */
export interface Selector extends CompiledSelector {
  readonly source: string;
  readonly expression: Expression;
  readonly groups: ReadonlyMap<string, CompiledSelector>;
}

interface Scope {
  readonly db: Kysely<Database>;
  readonly fleet: string;
  /** Devices that are asked about; undefined: any. */
  readonly among: readonly string[] | undefined;
  /** Groups that are complete. */
  readonly known: Map<string, CompiledSelector>;
}

/** Groups of groups of groups. */
const MAX_NESTING = 16;
/** Of more devices than that all members of a group are read. */
const MAX_AMONG = 500;

export interface ResolveOptions {
  /** Devices that it will be asked about; undefined: any. */
  readonly among?: readonly string[];
  /** The group that it is the selector of, which it must not lead back to. */
  readonly group?: string;
}

/**
 * Reads a selector and the groups that it names.
 *
 * @throws FlotillaError `selector.invalid`
 */
export async function resolveSelector(
  db: Kysely<Database>,
  fleet: string,
  source: string,
  { among, group }: ResolveOptions = {},
): Promise<Selector> {
  const few = (among?.length ?? 0) <= MAX_AMONG ? among : undefined;
  const path = group === undefined ? [] : [group];
  return resolve({ db, fleet, among: few, known: new Map() }, source, path);
}

async function resolve(scope: Scope, source: string, path: readonly string[]): Promise<Selector> {
  const expression = parseSelector(source);
  const names = groupsIn(source, expression);
  for (const name of names) await addGroup(scope, source, name, path);
  const groups = scope.known;
  return { source, expression, groups, ...compileSelector(source, expression, groups) };
}

async function addGroup(scope: Scope, source: string, name: Word, path: readonly string[]) {
  const { db, fleet, among, known } = scope;
  if (known.has(name.text)) return;
  if (path.includes(name.text) || path.length >= MAX_NESTING) {
    const reason = path.includes(name.text) ? 'contains itself' : 'is nested too deep';
    throw invalid(source, name.at, `group ${[...path, name.text].join(' > ')} ${reason}`);
  }
  const row = await findGroup(db, fleet, name.text);
  if (row === undefined) throw await unknownGroup(scope, source, name);
  if (row.kind === 'dynamic') {
    known.set(name.text, await resolveGroup(scope, source, name, row, path));
    return;
  }
  const members = await readMembers(db, fleet, name.text, among);
  known.set(name.text, { matches: ({ row }) => members.has(row.device), columns: new Set() });
}

/** What is wrong within a group is said where the group is named. */
async function resolveGroup(
  scope: Scope,
  source: string,
  { text, at }: Word,
  row: GroupRow,
  path: readonly string[],
): Promise<CompiledSelector> {
  try {
    return await resolve(scope, row.selector, [...path, text]);
  } catch (error) {
    if (!isFlotillaError(error, 'selector.invalid')) throw error;
    throw invalid(source, at, `in group ${show(text)}: ${error.context.reason}`);
  }
}

async function unknownGroup({ db, fleet }: Scope, source: string, { text, at }: Word) {
  const names = (await listGroups(db, fleet)).map(({ name }) => name);
  const close = closestName(text, names);
  const hint =
    close === undefined ? 'flotilla group list shows them' : `did you mean ${show(close)}?`;
  return invalid(source, at, `there is no group ${show(text)}: ${hint}`);
}
