// What checks do to a page that is open: wait for its lab, run the lab with given parameters, and bring
// the recording's figures over. The figures are the page's own; nothing is worked out here.

/** Until the page has its session. */
export async function ready(tab) {
  await tab.evaluate(async () => {
    const { lab } = await import('/page/main.js');
    while (lab.state === 'connecting') await new Promise(done => setTimeout(done, 20));
    if (lab.state !== 'ready') throw new Error(`the lab is ${lab.state}: ${lab.why}`);
  });
}

/** Runs all lanes, or those named, and answers the recording's figures. */
export async function run(tab, parameters, lanes) {
  await ready(tab);
  return tab.evaluate(async ({ parameters, lanes }) => {
    const { lab } = await import('/page/main.js');
    const recording = await lab.run(parameters, lanes ? { lanes } : {});
    return {
      void: recording.void,
      bytesVoid: recording.bytesVoid,
      published: recording.events.length,
      lanes: Object.fromEntries(Object.entries(recording.lanes).map(([kind, lane]) => {
        const { n, p50, p95, requests, empty } = lane.figures();
        const exchanges = lane.exchanges.map(({ method, status, empty, up, down }) => ({ method, status, empty, up, down }));
        const { meter, byKind, delivered, expected, lost, duplicated, outOfOrder, missed } = lane;
        return [kind, {
          meter, byKind, delivered, expected, lost, duplicated, outOfOrder, missed,
          n, p50, p95, requests, empty, exchanges, connections: lane.connections.size,
        }];
      })),
    };
  }, { parameters, lanes });
}

/** The server's own account: GET /lab/usage. */
export async function usage(lab) {
  const answer = await fetch(new URL('/lab/usage', lab.url));
  if (!answer.ok) throw new Error(`/lab/usage: ${answer.status}`);
  return answer.json();
}
