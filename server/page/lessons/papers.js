// The publications whose tables can be replayed: what was claimed, what is run, and what to keep in mind.
// The figures themselves come from loadgen, which knows each table; none is typed here a second time.

export const PAPERS = [
  {
    id: 'kaazing', title: 'HTML5 WebSocket: A Quantum Leap in Scalability for the Web',
    by: 'P. Lubbers, F. Greco (Kaazing), about 2010', address: 'https://websocket.org/quantum.html',
    claim: 'A stock page polls once a second with 871 bytes of headers; a WebSocket frame has 2. For 1,000 clients that is 6.6 against 0.015 Mbps.',
    runs: '1,000 clients, one event of 21 bytes a second, polling every second in the very headers of the article, and WebSocket.',
    mind: ['871 leaves out line ends: on the wire it is 909.', 'Their “Mbps” is Mibit/s.', 'The ratio is of headers alone; see lesson L15 for the other layers.'],
  },
  {
    id: 'kaazing-latency', title: 'The same article’s latency: 150 ms against 50',
    by: 'P. Lubbers, F. Greco (Kaazing), about 2010', address: 'https://websocket.org/quantum.html',
    claim: 'With 50 ms one way, polling takes up to 150 ms, WebSocket 50: “3:1”.',
    runs: 'WebSocket, long polling, back-to-back polling and one-second polling over a line of 100 ms round trip.',
    mind: ['3:1 is a worst case. A long poll’s mean runs from 1:1 in a quiet room to 2:1 in a busy one.'],
  },
  {
    id: 'hpbn', title: 'High Performance Browser Networking',
    by: 'I. Grigorik, O’Reilly 2013', address: 'https://hpbn.co/xmlhttprequest/#polling-with-xhr',
    claim: '10,000 clients that poll every 60 s in 850 bytes: 167 requests a second, 1.13 Mbps, 30 s of waiting on average.',
    runs: 'Scaled: 100 clients every 600 ms ask as often; and the book’s curl example to the byte.',
    mind: ['Waits count a hundredfold.'],
  },
  {
    id: 'rfc6202-transits', title: 'RFC 6202: Known Issues and Best Practices for Long Polling and Streaming',
    by: 'Loreto, Saint-Andre, Salsano, Wilkins, IETF 2011', address: 'https://www.rfc-editor.org/rfc/rfc6202',
    claim: 'Long polling: “close to one network transit” on average, “over three” at most. Streaming: one.',
    runs: 'Lines of 5, 25 and 50 ms, rates from one event in a hundred re-request gaps to ten in each: 27 trials.',
    mind: ['“Close to one” is true while events are rare: 1.73 transits at one event a gap, two at the limit.'],
  },
  {
    id: 'delft', title: 'A Comparison of Push and Pull Techniques for AJAX',
    by: 'E. Bozdag, A. Mesbah, A. van Deursen, TU Delft 2009, after their paper of 2007', address: 'https://journals.riverpublishers.com/index.php/JWE/article/view/4043',
    claim: 'Pulling every second what changes every 50: 96 % of the pulls are unnecessary.',
    runs: 'The same, fifty times as fast, from a server that keeps the newest item only.',
    mind: ['The formula says 98 %; theirs is 96 because half of their pulls arrived.', 'G. Wilkins objected that a pull of 15 s hides 7.5 s of delay: compare at equal delay.'],
  },
  {
    id: 'aquilio', title: 'Real-time methods, HAR files',
    by: 'A. Abril and others, 2017', address: 'https://github.com/Aquilio/09-23-17-real-time-methods',
    claim: 'Five updates of 39 bytes: short polling 8,820 bytes, long polling 2,930, SSE 902.',
    runs: 'The headers of Chrome 60 and Node 8 as their files have them, to the byte.',
    mind: ['They stopped at the fifth change (15 polls); five whole seconds give 20. Compare bytes a request.'],
  },
  {
    id: 'mal', title: 'Comparing a polling and push-based approach for live Open Data interfaces',
    by: 'B. Van de Vyvere, P. Colpaert, R. Verborgh, ICWE 2020', address: 'https://brechtvdv.github.io/Article-Live-Open-Data-Interfaces/',
    claim: 'Polling serves Rmax · MAL users; at an acceptable delay of about 10 s that is as many as SSE.',
    runs: '5.2 kB every second to 100, 400 and 1,600 clients, polling from 200 ms to 4 s, and SSE.',
    mind: ['The shape only: figures of machines do not travel.'],
  },
  {
    id: 'crossover', title: 'Where the order turns',
    by: 'HPBN and Kaazing, worked out', address: 'https://hpbn.co/xmlhttprequest/#long-polling-with-xhr',
    claim: 'Above one event an interval long polling asks more often than polling; at ten, polling costs the network as little as WebSocket.',
    runs: 'Seven rates from 0.5 to 16 events a second, three transports.',
    mind: ['Packets of the network are counted by the kernel where it tells (Linux).'],
  },
];
