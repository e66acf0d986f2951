// The cards with curves, one for each thing that is measured.

const view = { axis: "steps", span: 0, range: null };
const charts = new Map();
const spans = [0, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

/** Cards that come first, in this order; others follow by their names. */
const firstCharts = [
  ["steps", "loss"], ["evaluations", "validation_loss"], ["steps", "learning_rate"],
  ["steps", "gradient_norm"], ["steps", "tokens_per_second"],
];
const passedOver = new Set(["evaluations/validation_tokens", "evaluations/evaluation_seconds"]);

function titleOf(name) {
  const unit = unitOf(shownRuns());
  const titles = {
    tokens_per_second: `${unit} a second`, memory: "memory of the largest rank",
    resident_bytes: "memory", bits_per_byte: "bits per byte", r2: "R²", chrf: "chrF", bleu: "BLEU",
  };
  return titles[name] ?? name.replaceAll("_", " ");
}

function formatOf(name) {
  if (name === "memory") return formatBytes;
  if (name.endsWith("accuracy")) return formatPercent;
  return value => formatNumber(value, 5);
}

function formatX(value) {
  return view.axis === "seconds" ? formatDuration(value) : formatCount(value);
}

/** "step 1,200, 3.2M tokens, 2m 05s" */
function describePoint(series, index) {
  const { table } = series;
  const [step, first] = [table.steps[index], index > 0 ? table.steps[index - 1] + 1 : null];
  const from = (series.counts[index] > 1) && first !== null && first < step ? `${first.toLocaleString("en-US")} to ` : "";
  const words = [`step ${from}${step.toLocaleString("en-US")}`];
  if (table.tokens[index] !== null) words.push(`${formatCount(table.tokens[index])} ${unitOf(shownRuns())}`);
  if (table.seconds[index] !== null) words.push(formatDuration(table.seconds[index]));
  return words.join(", ");
}

function seriesOf(run, part, name) {
  const whole = run.tables[part];
  const isDetailed = view.range && run.detail?.[part]?.curves[name];
  const table = isDetailed ? run.detail[part] : whole;
  const curve = table?.curves[name];
  if (!curve || !curve.mean.some(value => value !== null)) return [];
  const xs = of => view.axis === "steps" ? of.steps : of[view.axis];
  const counts = of => of.steps.map(
    (_, index) => Math.min(of.bucket, of.endRow - of.firstRow - index * of.bucket));
  // The axis must ascend; what has no place on it is left out.
  const x = xs(table);
  if (x.some(place => place === null)) return [];
  const earlier = isDetailed ? { x: xs(whole), mean: whole.curves[name].mean, counts: counts(whole) } : null;
  return [{
    name: run.information.name, color: run.color, dash: run.dash, x, mean: curve.mean, low: curve.low,
    high: curve.high, counts: counts(table), table, earlier,
  }];
}

function chartKeys(list) {
  const keys = firstCharts.map(key => key.join("/"));
  const others = new Set();
  for (const run of list) {
    for (const part of ["evaluations", "steps"]) {
      for (const name of Object.keys(run.tables[part]?.curves ?? {})) others.add(`${part}/${name}`);
    }
    if (run.tables.ranks) others.add("ranks/memory");
  }
  return [...keys.filter(key => others.has(key)),
    ...[...others].filter(key => !keys.includes(key) && !passedOver.has(key)).sort()];
}

function makeChart(key) {
  const name = key.slice(key.indexOf("/") + 1);
  const chart = new LineChart({
    title: titleOf(name), format: formatOf(name), formatX, describe: describePoint,
    onPoint: (x, source) => { for (const other of charts.values()) other.point(x, other === source); },
    onZoom: zoom,
  });
  chart.element.dataset.chart = key;
  return chart;
}

/** From the first place to the last of all curves, so that all cards have one axis. */
function wholeRange(list) {
  let [left, right] = [Infinity, -Infinity];
  for (const run of list) {
    for (const part of ["steps", "evaluations"]) {
      const x = run.tables[part]?.[view.axis]?.filter(place => place !== null) ?? [];
      if (x.length) [left, right] = [Math.min(left, x[0]), Math.max(right, x.at(-1))];
    }
  }
  return left <= right ? [left, right] : null;
}

function drawCharts() {
  const list = shownRuns();
  const whole = wholeRange(list);
  const holder = document.getElementById("charts");
  const keys = chartKeys(list);
  for (const [key, chart] of charts) {
    if (!keys.includes(key)) { chart.element.remove(); charts.delete(key); }
  }
  keys.forEach((key, place) => {
    const [part, name] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
    const all = list.flatMap(run => seriesOf(run, part, name));
    if (!charts.has(key)) charts.set(key, makeChart(key));
    const chart = charts.get(key);
    chart.element.hidden = all.length === 0;
    if (holder.children[place] !== chart.element) holder.insertBefore(chart.element, holder.children[place] ?? null);
    // Evaluations are few, and means already; a schedule has nothing to smooth.
    const isNoisy = part === "steps" && name !== "learning_rate";
    chart.show(all, view.range ?? whole, isNoisy ? view.span : 0);
  });
}

// Zooming: the server is asked for the range in all its points.

/** The steps that a range of the axis stands for in a run. */
function stepsWithin(run, [from, to]) {
  const table = run.tables.steps;
  if (view.axis === "steps" || !table) return [Math.floor(from), Math.ceil(to)];
  const x = table[view.axis];
  const first = Math.max(0, lowerBound(x, from) - 1);
  const last = Math.min(x.length - 1, lowerBound(x, to));
  return [first > 0 ? table.steps[first - 1] : 0, table.steps[last]];
}

function zoom(range) {
  view.range = range;
  for (const run of runs.values()) run.detail = null;
  document.getElementById("whole").disabled = range === null;
  drawCharts();
  drawRanks();
  refine();
}

let refining = null;
let refinedAt = 0;

async function refine() {
  if (!data.live || !view.range) return;
  const asked = view.range;
  refining = asked;
  refinedAt = Date.now();
  await Promise.all(shownRuns().filter(run => (run.tables.steps?.bucket ?? 1) > 1).map(async run => {
    const [from, to] = stepsWithin(run, asked);
    const answer = await fetch(address("section", { run: run.id, from, to })).catch(() => null);
    if (answer?.ok && view.range === asked) run.detail = await answer.json();
  }));
  if (view.range === asked) drawCharts();
  if (refining === asked) refining = null;
}

/** What is zoomed into may still grow. */
function refineGrowing() {
  if (view.range && !refining && Date.now() - refinedAt > 2000) refine();
}
