// Where a line is typed: Enter sends it, unless the keyboard is still composing a character.

export function compose({ form, text, onLine }) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (text.value.trim() === '') return;
    onLine(text.value);
    text.value = '';
    text.focus();
  });
  text.addEventListener('keydown', (event) => {
    // 229: Safari ends a composition before it tells of the key that ended it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

/** Buttons that show and hide a panel where there is no room for both; Escape hides it, and so does a touch
 *  of what is beside it. An open panel stands below its button, which closes it again. */
export function drawers(pairs) {
  const put = (button, panel, isOpen) => {
    panel.classList.toggle('open', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) panel.style.setProperty('--below', `${button.getBoundingClientRect().bottom - panel.offsetParent.getBoundingClientRect().top}px`);
  };
  const closeAll = (but = null) => {
    for (const [button, panel] of pairs) if (button !== but) put(button, panel, false);
  };
  for (const [button, panel] of pairs) {
    button.addEventListener('click', () => {
      const open = !panel.classList.contains('open');
      closeAll(button);
      put(button, panel, open);
      if (open) panel.querySelector('a, input, button')?.focus();
      else button.focus();
    });
    panel.addEventListener('click', ({ target }) => { if (target.closest('a')) closeAll(); });
  }
  const opened = () => pairs.find(([, panel]) => panel.classList.contains('open'));
  addEventListener('keydown', (event) => {
    const open = opened();
    if (event.key !== 'Escape' || !open) return;
    closeAll();
    open[0].focus();
  });
  // Not at the click, which iOS tells of links and controls alone.
  addEventListener('pointerdown', ({ target }) => {
    const open = opened();
    if (!open || pairs.some((pair) => pair.some((part) => part.contains(target)))) return;
    closeAll();
    open[0].focus();
  });
}
