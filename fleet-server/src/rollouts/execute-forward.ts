import type { Kysely } from 'kysely';
import { allBeside } from '../beside.ts';
import type { Database } from '../db/schema.ts';
import { assignDeployment, findDeployment, retryDeployment } from '../devices/deployments.ts';
import { type Before, readBefore } from './before.ts';
import { spendRate } from './execute-rollout.ts';
import { plural } from './gates/text.ts';
import { fallBack } from './ladder.ts';
import { isDue, readMembersOf, readName, readSlot, setMember } from './members.ts';
import { closingMs, orderFor } from './order.ts';
import { errorClass } from './pace/error-class.ts';
import { openZones, roomFor } from './pace/room.ts';
import { hoursOf } from './pace/windows.ts';
import { tallyForward } from './snapshot.ts';
import { addEvent, type MemberRow, type Rollout } from './store.ts';
import type { ActionOf, MemberState } from './types.ts';

type Trx = Kysely<Database>;

/** Asks devices to take the version, as far as the wave and the rate still leave room for them. */
export async function deploy(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'deploy'>,
  now: number,
): Promise<string[]> {
  const size = rollout.sizes[rollout.wave] ?? 0;
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    ({ state, position }) => state === 'pending' && position >= 0 && position < size,
  );
  const asked = await withinRoom(trx, rollout, members, now);
  const ids = asked.map(({ device }) => device);
  const before = await readBefore(trx, rollout, ids);
  await allBeside(asked, (member) => ask(trx, rollout, member, before.get(member.device), now));
  return ids;
}

async function ask(
  trx: Trx,
  rollout: Rollout,
  member: MemberRow,
  standing: Before | undefined,
  now: number,
): Promise<void> {
  const { fleet, slot, settings } = rollout;
  const { device } = member;
  const isShadow = rollout.kind === 'shadow';
  if (!isShadow) await withdrawBack(trx, fleet, device, slot);
  const deployment = await assignDeployment(trx, orderFor(rollout, member, now), now);
  const row = await readSlot(trx, fleet, device, slot);
  const before = (isShadow ? row?.active : row?.previous) ?? '';
  const base = await findDeployment(trx, fleet, before);
  await setMember(trx, member, {
    state: 'sent',
    deployment,
    attempt: 1,
    sent_ms: now,
    due_ms: now + settings.deadlineMs,
    base_digest: base?.digest ?? '',
    base_version: base?.version ?? 0,
    ...standing,
  });
}

/** Another server may have asked devices since the plan was made; the rate is spent on these. */
async function withinRoom(trx: Trx, rollout: Rollout, wanted: readonly MemberRow[], now: number) {
  const { rate, maxInFlight } = rollout.settings;
  const isOpen = openZones(rollout.settings, now);
  const members = wanted.filter(({ time_zone }) => isOpen({ timeZone: time_zone }));
  if (rate === undefined && maxInFlight === undefined) return members;
  const tally = await tallyForward(trx, rollout);
  const room = roomFor({ ...rollout.settings, rateMs: rollout.rateMs }, tally, now);
  const some = members.slice(0, room);
  if (rate !== undefined) await spendRate(trx, rollout, rate, tally, some.length, now);
  return some;
}

/** The slot goes to a new rollout: an earlier one no longer waits for the way back it had ordered. */
async function withdrawBack(trx: Trx, fleet: string, device: string, slot: string): Promise<void> {
  const row = await readSlot(trx, fleet, device, slot);
  if (row === undefined) return;
  await trx
    .updateTable('rollout_members')
    .set({ back_state: 'withdrawn', due_ms: 0 })
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('back', '=', row.active)
    .where('back_state', 'in', ['sent', 'in-progress', 'failed'])
    .execute();
}

export async function retry(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'retry'>,
  now: number,
): Promise<string[]> {
  const members = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => member.state === 'failed' && isDue(member, now),
  );
  const asked = await withinRoom(trx, rollout, members, now);
  const ids = asked.map(({ device }) => device);
  const before = await readBefore(trx, rollout, ids);
  await allBeside(asked, async (member) => {
    // the crashes of an attempt are counted from its own beginning, as its time is
    const { base_unclean_starts = -1 } = before.get(member.device) ?? {};
    await setMember(trx, member, { base_unclean_starts });
    await askAgain(trx, rollout, member, now);
  });
  if (asked.length > 0) await addEvent(trx, rollout, 'retry', await retrySentence(trx, asked), now);
  return ids;
}

/** The same variant, or the next one where this one is at fault. */
async function askAgain(trx: Trx, rollout: Rollout, member: MemberRow, now: number): Promise<void> {
  const spent = member.strikes >= rollout.settings.maxAttempts;
  const isLast = spent || errorClass(member.code) === 'model';
  if (isLast && (await fallBack(trx, rollout, member, now))) return;
  const window = { notAfterMs: closingMs(rollout, member, now) };
  await retryDeployment(trx, rollout.fleet, member.deployment, now, window);
  await setMember(trx, member, {
    state: 'sent',
    attempt: member.attempt + 1,
    started: 0,
    retryable: 0,
    sent_ms: now,
    ended_ms: 0,
    due_ms: now + rollout.settings.deadlineMs,
  });
}

async function retrySentence(trx: Trx, members: readonly MemberRow[]): Promise<string> {
  const [first] = members;
  const codes = [...new Set(members.map(({ code }) => code).filter((code) => code !== ''))];
  const why = codes.length === 0 ? '' : ` after ${codes.slice(0, 3).join(', ')}`;
  if (members.length === 1 && first !== undefined) {
    return `attempt ${first.attempt + 1} on ${await readName(trx, first)}${why}`;
  }
  return `another attempt on ${plural(members.length, 'device')}${why}`;
}

/** Another attempt was due, but the device's maintenance window has closed: it waits for the next. */
export async function postpone(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'postpone'>,
  now: number,
): Promise<string[]> {
  const { maintenance } = rollout.settings;
  for (const member of await readMembersOf(trx, rollout, devices)) {
    if (member.state !== 'failed' || !isDue(member, now)) continue;
    const due_ms = hoursOf(maintenance, member.time_zone).openingMs(now) ?? 0;
    await setMember(trx, member, { due_ms, retryable: due_ms > 0 ? 1 : 0 });
  }
  return [];
}

const IN_FLIGHT: readonly MemberState[] = ['sent', 'in-progress'];

export async function expire(
  trx: Trx,
  rollout: Rollout,
  { devices }: ActionOf<'expire'>,
  now: number,
): Promise<string[]> {
  const { deadlineMs } = rollout.settings;
  const late = (await readMembersOf(trx, rollout, devices)).filter(
    (member) => IN_FLIGHT.includes(member.state) && isDue(member, now),
  );
  for (const member of late) {
    const detail =
      member.started === 1
        ? `took it up and has not ended it within ${deadlineMs} ms`
        : `has not answered within ${deadlineMs} ms`;
    await setMember(trx, member, { state: 'expired', ended_ms: now, due_ms: 0, detail });
  }
  return [];
}
