// What the browser keeps: the name, visited rooms and how far they were read for next time; lines not sent
// and the transport as long as the tab lives. A browser that keeps nothing loses only that.

function keeper(storage, prefix) {
  return {
    read(name) {
      try {
        return JSON.parse(storage().getItem(prefix + name));
      } catch {
        return null;
      }
    },
    write(name, value) {
      try {
        storage().setItem(prefix + name, JSON.stringify(value));
      } catch {
        // Full, or forbidden: it lasts as long as the page.
      }
    },
  };
}

export const forNextTime = keeper(() => localStorage, 'pushlab-chat-');
export const forThisTab = keeper(() => sessionStorage, 'pushlab-chat-');
