import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { skipOrFail } from './skip.ts';

const PATH = '/usr/bin/chromium';

/** A headless Chromium of the system; undefined, said by name, where there is none. */
export async function launchChromium(suite: string): Promise<Browser | undefined> {
  if (!existsSync(PATH)) return skipOrFail(suite, `there is no ${PATH}`);
  return chromium.launch({
    executablePath: PATH,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
