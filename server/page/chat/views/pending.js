// One's own lines that are on their way: below the talk, each with what it waits for, and what can be done
// about one that was refused. When the room shows a line, it leaves this place.

import { element, write } from '../../views/element.js';

export class PendingView {
  #made = new Map();

  constructor({ place, onRetry, onDiscard }) {
    Object.assign(this, { place, onRetry, onDiscard });
  }

  show(lines, isLive) {
    const wanted = new Set(lines.map(({ key }) => key));
    for (const [key, { node }] of this.#made) {
      if (wanted.has(key)) continue;
      node.remove();
      this.#made.delete(key);
    }
    for (const line of lines) {
      const made = this.#made.get(line.key) ?? this.#make(line);
      made.node.dataset.line = line.state;
      write(made.words, words(line, isLive));
      const isStuck = line.state === 'refused' || Boolean(line.untilMs);
      made.retry.hidden = !isStuck;
      made.discard.hidden = !isStuck;
    }
  }

  #make(line) {
    const spoken = element('span');
    const retry = element('button', { type: 'button', onclick: () => this.onRetry(line) }, 'Retry');
    const discard = element('button', { type: 'button', onclick: () => this.onDiscard(line) }, 'Discard');
    const node = element('article', { class: 'line own', 'data-key': line.key },
      element('div', { class: 'text' }, line.text.length > 200 ? `${line.text.slice(0, 200).toWellFormed()}…` : line.text),
      element('p', { class: 'why' }, spoken, retry, discard));
    this.place.append(node);
    const made = { node, words: spoken, retry, discard };
    this.#made.set(line.key, made);
    return made;
  }
}

/** What became of a line so far, in words. */
export function words({ state, why, untilMs }, isLive, now = Date.now()) {
  if (state === 'taken') return 'The server has it.';
  if (state === 'sending') return 'On its way …';
  if (state === 'refused') return `Not sent: ${reason(why)}`;
  if (untilMs) return `Not sent yet: ${reason(why)} It is tried again in ${Math.max(1, Math.ceil((untilMs - now) / 1000))} s.`;
  return isLive ? 'Waits its turn.' : 'Waits for the connection; it will be sent once.';
}

function reason(why) {
  if (why?.status === 413) return `it is too long: ${sentence(why.message)}`;
  if (why?.status === 401) return 'the server does not know you any more; take a name again.';
  if (why?.status === 429) return `that was too much at once: ${sentence(why.message)}`;
  return sentence(why?.message ?? 'no answer');
}

const sentence = (words) => (/[.!?]$/.test(words) ? words : `${words}.`);
