// Whether there is a lab to go to: a server without one sends whoever asks for it to the chat.

/** Where the server cannot be asked, there may be one. */
export async function hasLab() {
  const answer = await fetch('/', { redirect: 'manual' }).catch(() => null);
  return answer?.type !== 'opaqueredirect';
}
