// Numbers as people read them, and the places of an axis that have round ones.

/** A number with so many digits that count: 0.0312, 1,234, 5.2e-7. */
function formatNumber(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa}e${Number(exponent)}`;
  }
  if (size >= 1e4) return Math.round(value).toLocaleString("en-US");
  const text = value.toPrecision(Math.max(digits, size >= 1 ? Math.ceil(Math.log10(size + 1)) : 1));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A count with a unit that fits: 1.2k, 3.4M. */
function formatCount(value) {
  for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= size) return `${formatNumber(value / size, 3)}${unit}`;
  }
  return formatNumber(value, 3);
}

/** 0.21 s, 42 s, 3m 05s, 2h 07m, 3d 04h, as the console has them. */
function formatDuration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (Math.abs(seconds) < 0.0995) return `${formatNumber(1000 * seconds, 3)} ms`;
  if (Math.abs(seconds) < 9.95) return `${formatNumber(seconds, 2)} s`;
  const whole = Math.round(seconds);
  const pair = (large, one, small, other) => `${large}${one} ${String(small).padStart(2, "0")}${other}`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "m", whole % 60, "s");
  if (whole < 86400) return pair(Math.floor(whole / 3600), "h", Math.floor(whole % 3600 / 60), "m");
  return pair(Math.floor(whole / 86400), "d", Math.floor(whole % 86400 / 3600), "h");
}

/** 1.5 GiB. */
function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (Math.abs(bytes) >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  return `${formatNumber(bytes, 4)} ${units[unit]}`;
}

/** 12.5 %. */
const formatPercent = share => Number.isFinite(share) ? `${formatNumber(100 * share, 4)} %` : "–";

/** About `count` round numbers between two, for a linear axis. */
function linearTicks(low, high, count) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough * 0.8);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}

/** Round numbers between two positive ones, for a logarithmic axis. */
function logarithmicTicks(low, high, count) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = last - first;
  const factors = decades <= 2 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const ticks = [];
  for (let exponent = first; exponent <= last; exponent += stride) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** exponent).toPrecision(12));
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks(low, high, count);
}

/** The first place of an ascending list whose value is not below the given one. */
function lowerBound(list, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

/** The place of an ascending list that is nearest to a value; -1 where the list is empty. */
function nearest(list, value) {
  const above = lowerBound(list, value);
  if (above === list.length) return list.length - 1;
  return above > 0 && value - list[above - 1] < list[above] - value ? above - 1 : above;
}

/** An element with a class, and text that is never markup. */
function element(tag, className = "", text = null) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}
