import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { callApi } from '../../fleet-server/src/testing/test-server.ts';
import { launchChromium } from '../support/chromium.ts';
import { HOSTILE, type Story, tellStory } from '../support/dashboard-story.ts';
import { until } from '../support/until.ts';

const browser = await launchChromium('dashboard in Chromium');

describe.skipIf(browser === undefined)('the dashboard', () => {
  const chromium = browser as Browser;
  let story: Story;
  let context: BrowserContext | undefined;
  let complaints: string[] = [];

  beforeAll(async () => {
    story = await tellStory();
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    expect(complaints).toEqual([]);
  });
  afterAll(async () => {
    await chromium.close();
    await story?.fleet.stop();
  });

  const server = () => story.fleet.server;

  /** A fresh browser profile; what the page complains of fails the test unless it is expected. */
  async function open(hash = '', { width = 1280, expected = /^$/ } = {}): Promise<Page> {
    context = await chromium.newContext({ viewport: { width, height: 860 } });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    complaints = [];
    const complain = (text: string) => {
      if (!expected.test(text)) complaints.push(text);
    };
    page.on('pageerror', (error) => complain(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(message.text());
    });
    await page.goto(`${server().url}/${hash}`);
    return page;
  }

  async function openSignedIn(hash = '#/', options?: { width?: number; expected?: RegExp }) {
    const page = await open(`#token=${server().adminToken}`, options);
    await page.locator('.live.live').waitFor();
    await goTo(page, hash);
    return page;
  }

  const goTo = (page: Page, hash: string) =>
    page.evaluate((address) => {
      location.hash = address;
    }, hash);

  test('its page may load and run nothing but its own two files', async () => {
    const answer = await fetch(server().url);
    expect(answer.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'",
    );
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    const paths = (await answer.text()).match(/\/assets\/[\w.-]+/g) ?? [];
    expect(paths).toHaveLength(2);
    for (const path of paths) {
      const file = await fetch(`${server().url}${path}`);
      expect([file.status, file.headers.get('cache-control')]).toEqual([
        200,
        'public, max-age=31536000, immutable',
      ]);
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect((await fetch(`${server().url}/assets/other.js`)).status).toBe(404);
  });

  test('a token is asked for, refused when it is wrong, and kept in the tab only', async () => {
    const page = await open('', { expected: /401/ });
    await page.getByLabel('API token').fill('flt_not_a_token_of_this_server');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server does not take this token').waitFor();
    await page.getByLabel('API token').fill(server().adminToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('tr[data-device]').first().waitFor();
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, '']);
    await page.reload();
    await page.locator('tr[data-device]').first().waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API token').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('an address that names nothing and a token that is none are told', async () => {
    const page = await openSignedIn('#/nowhere');
    await page.getByRole('heading', { name: 'No such page' }).waitFor();
    expect(await page.title()).toContain('No such page');
    await page.getByRole('link', { name: 'Show the fleet' }).click();
    await page.locator('tr[data-device]').first().waitFor();
    await goTo(page, '#token=short');
    await page.getByText('The server does not take this token').waitFor();
    expect(page.url()).toBe(`${server().url}/#/`);
  });

  test('a token in the address leaves it at once, and no way back leads to it', async () => {
    const page = await openSignedIn();
    expect(page.url()).toBe(`${server().url}/#/`);
    await goTo(page, '#/drift');
    await page.goBack();
    await page.goBack();
    expect(page.url()).not.toContain('flt_');
  });

  test('the fleet table shows each device with what it runs and how it is', async () => {
    const page = await openSignedIn();
    const rows = page.locator('tr[data-device]');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(6);
    expect(await page.locator('.tiles').textContent()).toContain('online5 / 6');
    const ill = rows.filter({ hasText: 'line 2 camera' });
    expect(await ill.locator('.drift').textContent()).toBe('drifting');
    expect(await ill.getByRole('img', { name: 'online' }).count()).toBe(1);
    expect(await rows.filter({ hasText: 'press shop' }).textContent()).toMatch(
      /jetson-orin\s*0\.1\.0\s*parts@\d\s*int8/,
    );
    await page.locator('.spark polyline').first().waitFor();
    await page.getByRole('button', { name: 'Latency p95' }).click();
    const sorted = page.getByRole('columnheader', { name: 'Latency p95' });
    expect(await sorted.getAttribute('aria-sort')).toBe('descending');
    const values = (await page.locator('.spark-value').allInnerTexts()).map(Number.parseFloat);
    const measured = values.filter((value) => !Number.isNaN(value));
    expect(measured).toEqual(measured.toSorted((a, b) => b - a));
    await page.getByLabel('Filter devices').fill('raspberry drifting');
    expect(await rows.count()).toBe(1);
    await page.getByText('1 of 6 match').waitFor();
  });

  test('devices are selected by a selector or by a group, and a wrong one is told', async () => {
    const body = { name: 'pi', kind: 'dynamic', selector: 'target=raspberry-*' };
    const groups = `${server().url}/api/1/fleets/default/groups`;
    const authorization = `Bearer ${server().adminToken}`;
    expect((await callApi(groups, 'POST', body, { authorization })).status).toBe(201);
    const page = await openSignedIn('#/', { expected: /400/ });
    const selector = page.getByLabel('Selector', { exact: true });
    const select = async (text: string) => {
      await selector.fill(text);
      await page.getByRole('button', { name: 'Select' }).click();
    };
    await select('online=false or target=jetson-orin');
    await page.getByText(/^[12] of 6 match$/).waitFor();
    await select('target=jetson-orin or targte=x');
    await page.getByText(/at character 23: "targte" is no key.* did you mean "target"/).waitFor();
    expect(await page.locator('mark').textContent()).toBe('targte');
    await page.getByText('0 of 6 match').waitFor();
    await page.getByLabel('Group').selectOption('pi');
    await page.getByText(/^[1-5] of 6 match$/).waitFor();
    expect(await selector.inputValue()).toBe('group="pi"');
    for (const text of await page.locator('tr[data-device]').allTextContents()) {
      expect(text).toContain('raspberry-pi');
    }
    await selector.fill('');
    await page.getByText('6 devices', { exact: true }).waitFor();
  });

  test('a name that is markup is shown as text, on every page', async () => {
    const page = await openSignedIn();
    const device = story.fleet.devices.at(-1)?.id;
    const pages = [
      '#/',
      `#/devices/${device}`,
      `#/rollouts/${story.running}`,
      '#/rollouts',
      '#/drift',
    ];
    for (const hash of pages) {
      await goTo(page, hash);
      await page.locator('h1').waitFor();
      if (!['#/rollouts', '#/drift'].includes(hash))
        await page.getByText(HOSTILE).first().waitFor();
      expect(await page.evaluate(() => document.querySelectorAll('img, iframe, b').length)).toBe(0);
    }
    expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
  });

  test('what a device does is on the screen without a reload', async () => {
    const page = await openSignedIn();
    const device = story.fleet.devices[0]!;
    const dot = page.locator(`tr[data-device="${device.id}"] .dot`);
    await dot.and(page.locator('.online')).waitFor();
    await device.link.state(3, false);
    await dot.and(page.locator('.offline')).waitFor();
    await device.link.state(4, true);
    await dot.and(page.locator('.online')).waitFor();
  });

  test('a halted rollout shows the gate that stopped it and both versions side by side', async () => {
    const page = await openSignedIn(`#/rollouts/${story.halted}`);
    await page.getByText('stopped and rolled back').waitFor();
    expect(await page.getByTestId('sentence').textContent()).toMatch(
      /^Stopped by a gate\. Confidence fell/,
    );
    expect(await page.locator('[data-gate=confidence]').getAttribute('data-state')).toBe('closed');
    expect(await page.locator('[data-gate=activations]').getAttribute('data-state')).toBe('open');
    expect(await page.locator('[data-state=rolled-back]').count()).toBe(1);
    const mix = page.getByRole('table', { name: 'How often each class is predicted' });
    expect(await mix.getByRole('row').filter({ hasText: 'gear' }).textContent()).toMatch(
      /1\d %7\d %/,
    );
    expect(await page.getByRole('button', { name: 'Abort' }).count()).toBe(0);
  });

  test('drift is drawn: reference and observation by bin, statistic against its limit', async () => {
    const page = await openSignedIn('#/drift');
    const card = page.getByRole('region', { name: 'Drift on line 2 camera' });
    await card.waitFor();
    const picture = card.getByRole('img', { name: 'Distribution of brightness' });
    expect(await picture.locator('rect.reference').count()).toBe(20);
    expect((await card.locator('.plot').first().boundingBox())?.height).toBeGreaterThan(200);
    expect(await picture.locator('rect.observed').count()).toBe(20);
    expect(
      await card.getByRole('img', { name: /^PSI [\d.]+, limit [\d.]+$/ }).count(),
    ).toBeGreaterThan(0);
    expect(await card.textContent()).toContain('Input feature brightness of parts@1 drifted');
    await page.getByRole('region', { name: 'Drift over the fleet' }).waitFor();
    await page.getByRole('img', { name: 'Confidence of parts@1' }).waitFor();
    await page.getByText('closed', { exact: true }).click();
    await page.getByText('No closed drift alerts').waitFor();
  });

  test('a device has its series, deployments and predictions', async () => {
    const page = await openSignedIn(`#/devices/${story.fleet.devices[1]?.id}`);
    await page.getByRole('heading', { name: 'line 2 camera' }).waitFor();
    await page.locator('.time-chart canvas').first().waitFor();
    expect(await page.locator('.time-chart canvas').count()).toBe(3);
    await page.getByRole('heading', { name: 'Deployments' }).waitFor();
    await page.getByRole('table', { name: 'Class mix of parts@1' }).waitFor();
  });

  test('every page fits a telephone and has one heading', async () => {
    const page = await openSignedIn('#/', { width: 420 });
    const device = story.fleet.devices[1]?.id;
    const { halted, running } = story;
    const pages = [
      '#/',
      `#/devices/${device}`,
      '#/rollouts',
      '#/rollouts/new',
      `#/rollouts/${halted}`,
      `#/rollouts/${running}`,
      '#/drift',
    ];
    for (const hash of pages) {
      await goTo(page, hash);
      await until(
        `${hash} to be drawn`,
        async () => (await page.locator('.placeholder').count()) === 0,
      );
      expect(await page.locator('h1').count()).toBe(1);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth),
        hash,
      ).toBeLessThanOrEqual(420);
    }
  });

  test('the keyboard reaches the content first', async () => {
    const page = await openSignedIn();
    await page.keyboard.press('Tab');
    await page
      .getByRole('button', { name: 'Skip to content' })
      .and(page.locator(':focus'))
      .waitFor();
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  });

  test('a viewer sees a rollout and is offered nothing that it may not do', async () => {
    const order = { label: 'screen on the wall', role: 'viewer' };
    const { body } = await server().call('POST', '/tokens', order);
    const page = await open(`#token=${body.token}`);
    await page.locator('.live.live').waitFor();
    await goTo(page, `#/rollouts/${story.running}`);
    await page.getByText("needs an operator's token").waitFor();
    expect(await page.getByRole('button', { name: 'Abort' }).count()).toBe(0);
    await goTo(page, '#/rollouts');
    await page.locator('.rollout-item').first().waitFor();
    expect(await page.getByRole('link', { name: 'New rollout' }).count()).toBe(0);
    await goTo(page, '#/rollouts/new');
    await page.getByText("needs an operator's token").waitFor();
  });

  test('an empty fleet says which command comes next', async () => {
    const admin = { authorization: `Bearer ${server().adminToken}` };
    const made = await callApi(`${server().url}/api/1/fleets`, 'POST', { fleet: 'empty' }, admin);
    expect(made.status).toBe(201);
    const page = await open(`#token=${server().adminToken}&fleet=empty`);
    await page.getByText('flotilla token claim --uses 10 --fleet empty').waitFor();
    await goTo(page, '#/rollouts');
    await page.getByText('flotilla rollout create').waitFor();
    await goTo(page, '#/drift');
    await page.getByText('No open drift alerts').waitFor();
  });

  test('a rollout is made with a form, which tells before what it would do', async () => {
    story.fleet.devices[1]!.result = () => 'RESULT_COMMITTED';
    const page = await openSignedIn('#/rollouts', { expected: /400|ERR_FAILED/ });
    await page.getByRole('link', { name: 'New rollout' }).click();
    const draft = page.getByTestId('draft');
    const create = page.getByRole('button', { name: 'Create rollout' });
    await page.getByLabel('Version').selectOption('2');
    await page.getByLabel('Selector').fill('site=metz and memroy > 1GB');
    await page.getByText(/at character 15: "memroy" is no key/).waitFor();
    expect(await create.isDisabled()).toBe(true);
    await page.getByLabel('Selector').fill('site=metz');
    await page.getByRole('radio', { name: '10 %, 30 %' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Tab');
    await page.keyboard.type('3, 2, 100%');
    await page.getByText('wave 2 (2) adds no device to wave 1 (3)').waitFor();
    await page.locator('input:focus').fill('100%');
    await page.getByLabel('Soak').fill('0s');
    await page.getByText('Gates and their limits').click();
    await page.getByLabel('Limit of latency, percent').fill('20');
    await page.getByRole('checkbox', { name: 'drift' }).uncheck();
    expect(await page.getByTestId('command').textContent()).toBe(
      'flotilla rollout create parts@2 --devices site=metz --waves 100% --soak 0s --gate latency=20% --gate drift=off',
    );
    await page.getByText('Signed for jetson-orin (int8)').waitFor();
    await draft.getByText('1 device in 1 wave').waitFor();
    await page.getByText('int8 for raspberry-pi-5 was chosen').waitFor();
    const made: string[] = [];
    const loseAnswer = async (route: Route) => {
      made.push((await (await route.fetch()).json()).id);
      await route.abort();
    };
    await page.route(/\/rollouts$/, loseAnswer, { times: 1 });
    await create.click();
    await page.getByRole('alert').getByText('the fleet server does not answer').waitFor();
    await create.click();
    await page.locator('h1').getByText('done').waitFor();
    const id = page.url().slice(-26);
    expect(made).toEqual([id]);
    const { body } = await server().call('GET', `/rollouts/${id}`);
    expect(body).toMatchObject({
      ...{ version: 2, selector: 'site=metz' },
      settings: { waves: ['100%'], soakMs: 0, gates: { maxLatencyRise: 0.2, disabled: ['drift'] } },
    });
  });

  test('an operator pauses, resumes and aborts, each after a confirmation', async () => {
    const page = await openSignedIn(`#/rollouts/${story.running}`);
    const dialog = page.getByRole('dialog');
    const carryOut = async (name: string) => {
      await page.locator('.head').getByRole('button', { name }).click();
      await dialog.getByRole('button', { name, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await page.getByRole('button', { name: 'Abort' }).click();
    await dialog.getByText('This cannot be undone').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await story.fleet.stateOf(story.running)).toBe('running');
    await carryOut('Pause');
    await page.locator('h1').getByText('paused').waitFor();
    await carryOut('Resume');
    await page.locator('h1').getByText('running').waitFor();
    for (const device of story.fleet.devices) device.result = () => 'RESULT_COMMITTED';
    await carryOut('Abort');
    await page.locator('h1').getByText('aborted').waitFor();
    await expect
      .poll(() => page.locator('[data-state=committed]').count(), { timeout: 10_000 })
      .toBe(0);
  });

  test('an approver, and nobody with less, lets a wave open', async () => {
    const id = await story.fleet.rollOut(3, { approval: 'each', waves: ['1', '100%'] });
    const tokenOf = async (role: string) =>
      (await server().call('POST', '/tokens', { label: role, role })).body.token;
    const page = await open(`#token=${await tokenOf('operator')}`);
    await page.locator('.live.live').waitFor();
    await goTo(page, `#/rollouts/${id}`);
    await page.getByText('an approver to let wave 1 of 2 open').waitFor();
    await page.getByRole('button', { name: 'Abort' }).waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await goTo(page, `#token=${await tokenOf('approver')}`);
    await page.locator('tr[data-device]').first().waitFor();
    await goTo(page, `#/rollouts/${id}`);
    await page.getByRole('button', { name: 'Approve wave 1' }).click();
    await page.getByRole('dialog').getByText('Wave 1 of 2 with 1 device opens').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve wave 1' }).click();
    await page.getByText('wave 1 of 2 opened').waitFor();
    await page
      .getByTestId('waits')
      .and(page.locator('[data-waits=devices], [data-waits=gate], [data-waits=approval]'))
      .waitFor();
  });

  test('a server that restarts is missed, said so, and found again', async () => {
    const page = await openSignedIn('#/', { expected: /ERR_|Failed to load/ });
    await page.locator('tr[data-device]').first().waitFor();
    await server().restart();
    await page.locator('.live.live').waitFor();
    // the broker of a fresh server has nobody connected
    await until('the new state', async () =>
      (await page.locator('.tiles').textContent())?.includes('online0 / 6'),
    );
  });
});
