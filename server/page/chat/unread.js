// Where one left off. Lines of others that come while nobody looks are counted, and the first of them gets
// the mark “new”; so does the first one after the place where one left the room the last time.

import { epochOf, offsetOf } from '../cursor.js';

export class Unread {
  count = 0;
  #marked = false;

  /** `left`: the cursor up to which this room was read, or null. */
  constructor(left = null) {
    this.left = left;
  }

  /** Whether the mark belongs before this line of somebody else. */
  take({ id }, epoch, isLooking) {
    const returned = this.left !== null && epochOf(this.left) === epoch && id > offsetOf(this.left);
    if (!isLooking) this.count += 1;
    if (this.#marked || (isLooking && !returned)) return false;
    this.#marked = true;
    this.left = null;
    return true;
  }

  /** Somebody looks: nothing is unread. The mark stays until the next one is due. */
  look() {
    this.count = 0;
    this.left = null;
  }

  /** Nobody looks from here on. */
  lookAway() {
    if (this.count === 0) this.#marked = false;
  }
}
