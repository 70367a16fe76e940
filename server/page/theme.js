// The colours: as the system has them, or as somebody chose here, which the browser keeps. A `theme` event
// of the window tells whoever draws with them.

const WORDS = { auto: 'Colours: auto', light: 'Colours: light', dark: 'Colours: dark' };

/** A browser may keep nothing for this site; the theme then lasts as long as the page. */
function kept(...value) {
  try {
    if (value.length > 0) localStorage.setItem('pushlab-theme', ...value);
    return localStorage.getItem('pushlab-theme');
  } catch {
    return null;
  }
}

/** Wears the theme that was chosen; `button` goes round them. */
export function wearTheme(button) {
  const wear = (theme) => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = WORDS[theme];
    button.title = theme === 'auto' ? 'As the system has them' : '';
    dispatchEvent(new Event('theme'));
  };
  let theme = kept();
  if (!Object.hasOwn(WORDS, theme ?? '')) theme = 'auto';
  wear(theme);
  button.addEventListener('click', () => {
    const names = Object.keys(WORDS);
    theme = names[(names.indexOf(theme) + 1) % names.length];
    kept(theme);
    wear(theme);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('theme')));
}
