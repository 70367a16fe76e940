// What the course says between its verdicts: one sentence before each step, one after, and how long it takes.

export const STEPS = [
  { lessons: ['l02'], minutes: 3, before: 'Begin with the oldest trick: ask again and again.', after: 'The delay is not the network’s. It is the wait for the next question.' },
  { lessons: ['l01'], minutes: 3, before: 'What do all these questions bring home?', after: 'The quieter the room, the more of the work is in vain.' },
  { lessons: ['l07'], minutes: 3, before: 'And what does one question weigh?', after: 'A few bytes of news in a coat of headers.' },
  { lessons: ['l04'], minutes: 3, before: 'Does asking often at least see everything?', after: 'It is not push or pull that decides what is lost, but who keeps count.' },
  { lessons: ['l05'], minutes: 3, before: 'Now the trick of 2005: let the question wait for the answer.', after: 'In a quiet room news takes one transit, as if it were pushed. In a busy one it takes nearly two.' },
  { lessons: ['l06'], minutes: 3, before: 'And when the room gets busy?', after: 'The trick eats itself: it is polling without a pause.' },
  { lessons: ['l10', 'l15'], minutes: 4, before: 'So WebSocket, because it is faster and 500 times smaller?', after: 'For news alone SSE ties, and the saving shrinks with every layer that you count. Honest reasons are enough.' },
  { lessons: ['l08', 'l17'], minutes: 3, before: 'A held connection is one that can break. What then?', after: 'Heartbeats, cursors, resuming: this is the real work of push, on every transport.' },
];
