// The race: the same events over every transport at once, each lane with its figures and its ladder.

export function mount(element) {
  const title = document.createElement('h1');
  title.textContent = 'One event, five ways to the browser';
  element.append(title);
}
