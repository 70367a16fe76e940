// Brings one lesson's card to its verdict. What another tenant of the machine did to a run is no defect
// of the lesson: a run that was void, and a figure just outside its band, get another try.

const TRIES = 3;
const PATIENCE_MS = 8 * 60_000;

/** Starts the lesson by `go(card)` and waits; answers what is wrong, or null where the model holds. */
export async function judged(tab, id, screen, go) {
  const card = tab.locator(`${screen} article[data-lesson="${id}"]`);
  await card.waitFor();
  let told;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const began = performance.now();
    await go(card);
    await tab.waitForFunction(([screen, id]) => {
      const { dataset } = document.querySelector(`${screen} article[data-lesson="${id}"]`);
      return dataset.busy === 'false' && (dataset.verdict || dataset.failed);
    }, [screen, id], { timeout: PATIENCE_MS, polling: 250 });
    const { verdict, failed, n } = await card.evaluate(({ dataset }) => ({ ...dataset }));
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    told = `${id}: ${verdict ?? failed} (n ${n ?? 0}, ${seconds} s, try ${tries})`;
    console.log(told);
    if (verdict === 'holds') return null;
    console.log(await card.locator('.outcome').innerText().catch(() => ''));
  }
  return told;
}

/** Without what lessons on trouble bring about: the browser says of each connection that broke or was refused. */
export function unforeseen(complaints) {
  return complaints.filter(text => !/WebSocket connection to .* failed|net::ERR_/.test(text));
}
