// A chromium of our own, a tab of it at a wanted size and scheme, and everything that a tab
// complained about. What a complaint means for a check, the check decides.

import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function launch(options = {}) {
  return chromium.launch({
    executablePath: process.env.PUSHLAB_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    ...options,
  });
}

/** A tab at `path` of the lab; `complaints` grows with whatever the browser has to say against it. */
export async function openTab(browser, url, path = '/', options = {}) {
  const { width = 1280, height = 900, scheme = 'light', ...context } = options;
  const own = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    ...context,
  });
  const tab = await own.newPage();
  const complaints = listen(tab);
  await tab.goto(new URL(path, url).href, { waitUntil: 'load' });
  return { tab, complaints, close: () => own.close() };
}

/** Console errors, uncaught exceptions, dialogs and answers of 500 and above. */
export function listen(tab) {
  const complaints = [];
  const complain = text => complaints.push(text);
  tab.on('console', message => {
    if (message.type() === 'error') complain(`console: ${message.text()} ${message.location().url}`);
  });
  tab.on('pageerror', error => complain(`exception: ${error.stack ?? error}`));
  tab.on('dialog', dialog => {
    complain(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  tab.on('response', answer => {
    if (answer.status() >= 500) complain(`${answer.status()}: ${answer.url()}`);
  });
  return complaints;
}
