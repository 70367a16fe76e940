// Numbers as a reader wants them: three digits that mean something, thousands apart, the unit behind.

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100 || value === Math.round(value)) return plain.format(value);
  return size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : size === 0 ? '0' : value.toFixed(size < 0.01 ? 4 : 3);
}

export function figure(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (unit === '%') return `${number(value)} %`;
  if (unit === '×') return `${number(value)} ×`;
  return unit ? `${number(value)} ${unit}` : number(value);
}
