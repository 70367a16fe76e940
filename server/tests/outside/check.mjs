// Runs the checks of one file of this folder, each on a stage of its own: node check.mjs NAME [WORDS OF A
// CHECK]. Each check is a line; the first that does not hold ends it.

import { Stage } from './stage.mjs';

const [name, only = ''] = process.argv.slice(2);
const { checks } = await import(`./${name}.mjs`);
let ran = 0;
for (const [what, check] of Object.entries(checks)) {
  if (!what.includes(only)) continue;
  const stage = new Stage();
  const began = performance.now();
  let note;
  let hasHeld = false;
  try {
    note = await check(stage);
    hasHeld = true;
  } catch (error) {
    console.error(`does not hold: ${what}`);
    throw error;
  } finally {
    await stage.clear(hasHeld);
  }
  ran += 1;
  console.log(`ok: ${what} (${Math.round(performance.now() - began)} ms)${note ? `: ${note}` : ''}`);
}
if (ran === 0) throw new Error(`no check of ${name} is called ${only}`);
// A client that still reconnects must not keep the process.
process.exit(0);
