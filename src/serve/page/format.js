// Numbers as people read them.

export function seconds(value) {
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 100) return `${Math.round(value)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// 1.0625 -> "1.06", 16 -> "16"
export function short(value) {
  return String(Number(Number(value).toFixed(2)));
}

// "a, b and nothing empty" of a list with holes.
export function joined(parts) {
  return parts.filter((part) => part).join(", ");
}

// Unix seconds in the reader's language and time zone.
export function when(time) {
  return new Date(time * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
