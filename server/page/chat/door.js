// The door: asks for a name, and lets in whom the server gives one.

import { enter } from './identity.js';
import { forNextTime } from './memory.js';

export class Door {
  constructor({ section, form, name, why, onEnter }) {
    Object.assign(this, { section, form, name, why });
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const button = form.querySelector('button');
      button.disabled = true;
      this.say(null);
      try {
        const me = await enter(name.value.trim());
        forNextTime.write('name', me.name);
        onEnter(me);
      } catch (error) {
        this.say(error.status ? error.message : 'The server cannot be reached. Try again.');
        name.focus();
      } finally {
        button.disabled = false;
      }
    });
  }

  open(words = null) {
    this.section.hidden = false;
    const kept = forNextTime.read('name');
    if (!this.name.value && typeof kept === 'string') this.name.value = kept;
    this.say(words);
    this.name.focus();
  }

  close() {
    this.section.hidden = true;
  }

  say(words) {
    this.why.hidden = words === null;
    this.why.textContent = words ?? '';
  }
}
