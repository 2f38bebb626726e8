import { expect, test } from 'vitest';
import { buildDashboard } from './build.ts';
import { pageHtml } from './page.ts';

test('script and style are whole, named by their content, and load nothing from elsewhere', async () => {
  const { script, style } = await buildDashboard();
  expect(script.path).toMatch(/^\/assets\/dashboard-[0-9a-f]{16}\.js$/);
  expect(style.path).toMatch(/^\/assets\/dashboard-[0-9a-f]{16}\.css$/);
  expect(script.body.length).toBeGreaterThan(10_000);
  expect(script.body.length).toBeLessThan(300_000);
  const text = script.body.toString('utf8');
  expect(text).not.toMatch(/\bfrom\s*"(?!data:)/);
  expect(`${text}${style.body}`).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
  expect((await buildDashboard()).script.path).toBe(script.path);
});

test('the page shows a fleet name as text, whatever is in it', () => {
  const html = pageHtml('"><script>alert(1)</script>', { script: '/s.js', style: '/s.css' });
  expect(html.match(/<script/g)).toHaveLength(1);
});
