/**
 * Takes the pictures of the documentation from a running demo:
 *
 *   npm run demo                                        # in one terminal, until its story is told
 *   node scripts/screenshots.ts 'http://127.0.0.1:PORT/#token=TOKEN'
 *
 * that of one rollout, as on a fleet of `flotilla simulate`:
 *
 *   node scripts/screenshots.ts 'http://127.0.0.1:8080/#token=TOKEN' ROLLOUT
 *
 * and that of a report of `flotilla optimize`:
 *
 *   node scripts/screenshots.ts "file://$PWD/out/parts-1-report.html"
 */
import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const OUT = 'docs/images';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const [address = '', rollout] = process.argv.slice(2);
if (!URL.canParse(address)) {
  console.error('give the address that the demo printed, with its #token, or that of a report');
  process.exit(2);
}
await mkdir(OUT, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
const page = await browser.newPage({ viewport: { width: 1280, height: 560 } });
await page.goto(address);
if (address.startsWith('file:')) {
  await page.setViewportSize({ width: 1120, height: 1000 });
  await page.screenshot({ path: `${OUT}/optimize-report.png` });
  await browser.close();
  process.exit(0);
}
if (rollout !== undefined) {
  await page.locator('.live.live').waitFor();
  await page.evaluate((id) => {
    location.hash = `#/rollouts/${id}`;
  }, rollout);
  await page.getByRole('heading', { name: 'Gates' }).waitFor();
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined);
  await page.setViewportSize({ width: 1280, height: 1000 });
  await page.screenshot({ path: `${OUT}/rollout-stopped.png` });
  await browser.close();
  process.exit(0);
}
await page.getByText('press-1').first().waitFor();
/** Sparklines and pictures are drawn when their figures have come. */
const settled = () =>
  page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined);
const shoot = async (name: string, fullPage: boolean) => {
  await settled();
  await page.screenshot({ path: `${OUT}/${name}.png`, fullPage });
};
await shoot('fleet', false);
await page.getByRole('link', { name: /Rollouts/ }).click();
await page
  .getByRole('link', { name: /parts@3/ })
  .first()
  .click();
await page.getByRole('heading', { name: 'Against the previous version' }).waitFor();
await shoot('rollout', true);
await page.evaluate(() => {
  location.hash = '#/rollouts/new';
});
await page.setViewportSize({ width: 1180, height: 640 });
await page.getByLabel('Version').selectOption('2');
await page.getByLabel('Selector').fill('target=raspberry-*');
await page.getByTestId('draft').waitFor();
await shoot('new-rollout', false);
await page.setViewportSize({ width: 1280, height: 560 });
await page.getByRole('link', { name: /Drift/ }).click();
await page.getByText('What the models predict').waitFor();
await shoot('drift', true);
await browser.close();
console.log(`pictures are in ${OUT}/`);
