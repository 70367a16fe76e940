// Runs one check against a lab that serves already: node check.mjs NAME. The lab's address, process
// and binary come from the environment; a check that throws has failed.

import { mkdir } from 'node:fs/promises';
import { launch } from './browser.mjs';

const name = process.argv[2];
const lab = {
  url: process.env.LAB_URL,
  pid: Number(process.env.LAB_PID),
  loadgen: process.env.LAB_LOADGEN,
  out: process.env.LAB_OUT,
};
if (!/^[a-z-]+$/.test(name ?? '') || !lab.url) {
  console.error('usage: LAB_URL=http://127.0.0.1:8080 node check.mjs NAME');
  process.exit(2);
}
if (lab.out) await mkdir(lab.out, { recursive: true });

const { default: check } = await import(`./checks/${name}.mjs`);
const browser = await launch();
try {
  await check(browser, lab);
  console.log(`${name}: ok`);
} catch (error) {
  console.error(`${name}: ${error.stack ?? error}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
