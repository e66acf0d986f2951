// Points at a trial everywhere at once, and keeps the trials that cross the axes where one brushes.
const { report, curves } = data;
const all = selector => [...document.querySelectorAll(selector)];
const marked = all("[data-trial]");
const told = document.getElementById("told");

function tell(number) {
  const trial = report.trials.find(trial => trial.trial === number);
  if (!told) return;
  if (!trial) { told.textContent = "\u00a0"; return; }
  const values = report.keys.map(key => `${key} ${JSON.stringify(trial.parameters[key])}`);
  const metric = trial.metric === undefined ? [] : [`${report.metric} ${Number(trial.metric).toPrecision(6)}`];
  const reason = trial.reason ? [trial.reason] : [];
  told.textContent = [`trial ${number}, ${trial.state}`, ...values, ...metric, ...reason].join(" · ");
}

// Charts

const charts = [];

/** The colour that the trial's line has among the parallel coordinates. */
function colorOf(trial) {
  const line = document.querySelector(`.parallel [data-trial="${trial}"]`);
  return () => getComputedStyle(line ?? document.documentElement).getPropertyValue(line ? "stroke" : "--series-1");
}

function addChart(series, options) {
  const chart = new LineChart({
    onPoint: (x, source) => { for (const other of charts) other.point(x, other === source); },
    onZoom: range => { for (const other of charts) other.show(other.all, range, 0); },
    onNearest: series => mark(series?.trial ?? null),
    ...options,
  });
  chart.all = series;
  document.getElementById("charts").append(chart.element);
  chart.show(series, null, 0);
  charts.push(chart);
}

// There may be more values than a function takes arguments.
const lowestOf = values => values.reduce((lowest, value) => Math.min(lowest, value), Infinity);
const highestOf = values => values.reduce((highest, value) => Math.max(highest, value), -Infinity);

/** Beyond this a loss leaves the picture: what diverges does not flatten the others. */
const limitOf = series => 2 * highestOf(series.map(({ mean }) => mean.find(loss => loss !== null) ?? -Infinity));

/** Whether the losses below the limit spread over more than a factor of ten. */
function isWide(series, limit) {
  const losses = series.flatMap(({ mean }) => mean).filter(loss => loss !== null && loss <= limit);
  const [low, high] = [lowestOf(losses), highestOf(losses)];
  return low > 0 && high > 10 * low;
}

function addTrials(title, part) {
  const series = curves.filter(curve => curve[part].mean.some(loss => loss !== null)).map(curve => {
    const place = report.ranking.indexOf(curve.trial);
    const state = report.trials.find(({ trial }) => trial === curve.trial).state;
    const { mean, low, high, counts, x } = curve[part];
    // A band where a point stands for several losses.
    const band = counts.some(count => count > 1) ? { low, high } : {};
    return {
      name: `trial ${curve.trial}`, trial: curve.trial, color: colorOf(curve.trial), x, mean, counts, ...band,
      width: place === 0 ? 3 : 1.4, dash: place < 0 && state !== "running" ? [3, 4] : [],
      opacity: place < 0 ? 0.6 : 0.85 - 0.5 * place / Math.max(1, report.ranking.length - 1),
    };
  });
  if (!series.length) return;
  const limit = limitOf(series);
  addChart(series, {
    title, limit, log: isWide(series, limit), describe: ({ x }, index) => `step ${formatNumber(Math.round(x[index]))}`,
  });
}

if (report.range_test?.points.length) {
  const { points, steepest, lowest } = report.range_test;
  const rates = { suggestion: data.suggestion, steepest, lowest };
  const x = points.map(point => Math.log10(point.learning_rate));
  const formatRate = power => formatNumber(10 ** power, 3);
  const series = [
    { name: "each step", color: "--series-1", opacity: 0.4, x, mean: points.map(point => point.loss) },
    { name: "smoothed", color: "--series-1", width: 2.5, x, mean: points.map(point => point.smoothed_loss) },
  ];
  // Past the explosion nothing is to be learned from the heights.
  const smooth = series[1].mean;
  const limit = Math.max(smooth[0], 4 * lowestOf(smooth));
  addChart(series, {
    title: "training loss over the learning rate", limit, log: isWide([series[1]], limit), formatX: formatRate,
    describe: (series, index) => `learning rate ${formatRate(series.x[index])}`,
    marks: Object.entries(rates).filter(([, rate]) => rate).map(([name, rate]) => (
      { label: `${name}: ${formatNumber(rate, 3)}`, x: Math.log10(rate) })),
  });
} else {
  addTrials("training loss", "training");
  if (curves.some(curve => curve.held_out.x.length > 1)) addTrials("validation loss", "held_out");
}

// Pointing

function mark(number) {
  for (const other of marked) other.classList.toggle("hot", Number(other.dataset.trial) === number);
  for (const chart of charts) chart.emphasize(`trial ${number}`);
  tell(number);
}

function point(event) {
  if (event.target.closest?.("canvas")) return;
  const element = event.target.closest?.("[data-trial]");
  mark(element ? Number(element.dataset.trial) : null);
}
document.addEventListener("pointerover", point);
document.addEventListener("focusin", point);

// By axis: the lowest and the highest y, in the plot's own pixels.
const kept = new Map();

function filter() {
  const lost = new Set();
  for (const line of all(".parallel [data-trial]")) {
    // Split at each space: an axis that a line does not cross has an empty entry.
    const crossings = line.dataset.y.split(" ");
    const isKept = [...kept].every(([axis, [low, high]]) =>
      crossings[axis] !== "" && crossings[axis] >= low && crossings[axis] <= high);
    if (!isKept) lost.add(line.dataset.trial);
  }
  for (const element of marked) element.classList.toggle("dim", lost.has(element.dataset.trial));
  const names = new Set([...lost].map(trial => `trial ${trial}`));
  for (const chart of charts) chart.dim(names);
}

for (const area of all(".hit")) {
  const brush = area.previousElementSibling;
  const axis = Number(area.dataset.axis);
  const height = event => {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(area.ownerSVGElement.getScreenCTM().inverse()).y;
  };
  const draw = (low, high) => {
    brush.setAttribute("y", low);
    brush.setAttribute("height", high - low);
    if (high - low < 2) kept.delete(axis); else kept.set(axis, [low, high]);
    filter();
  };
  area.addEventListener("pointerdown", down => {
    const start = height(down);
    const follow = move => draw(Math.min(start, height(move)), Math.max(start, height(move)));
    draw(start, start);
    document.addEventListener("pointermove", follow);
    document.addEventListener(
      "pointerup", () => document.removeEventListener("pointermove", follow), { once: true });
    down.preventDefault();
  });
}
