// Tables: the runs, their differences, final numbers and configurations; ranks, trials and samples.

/** A row of a table; a cell is a text, or [text, class], or an element. */
function tableRow(cells, tag = "td") {
  const row = element("tr");
  for (const cell of cells) {
    if (cell instanceof Node) {
      const holder = element("td");
      holder.append(cell);
      row.append(holder);
    } else {
      const [text, kind] = Array.isArray(cell) ? cell : [cell, ""];
      const made = element(tag, kind, text);
      if (tag === "th") made.scope = "col";
      row.append(made);
    }
  }
  return row;
}

function tableOf(heads, rows) {
  const [head, body] = [element("thead"), element("tbody")];
  head.append(tableRow(heads, "th"));
  body.append(...rows);
  return [head, body];
}

function swatch(run) {
  const made = element("span", "swatch");
  made.style.background = `var(${run.color})`;
  return made;
}

/** Whether what is shown in a place is to be made anew; keeps what a reader has opened or focused. */
const shownText = new Map();
function isNew(id, content) {
  const text = JSON.stringify(content);
  if (shownText.get(id) === text) return false;
  shownText.set(id, text);
  return true;
}

// The runs

function toggleOf(run) {
  const button = element("button", "toggle");
  button.type = "button";
  button.dataset.run = run.id;
  button.append(swatch(run));
  button.addEventListener("click", () => { setShown(run, !isShown(run)); drawAll(); refine(); });
  return button;
}

function progressOf(run) {
  const { step, steps } = run.information;
  const holder = element("span", "", step.toLocaleString("en-US") + (steps === null ? "" : ` of ${steps.toLocaleString("en-US")}`));
  if (steps > 0) {
    const [bar, done] = [element("span", "progress"), element("span")];
    done.style.width = `${Math.min(100, 100 * step / steps)}%`;
    bar.append(done);
    holder.append(bar);
  }
  return holder;
}

function fillRun(row, run) {
  const [kind, words, explanation] = stateOf(run);
  const { information } = run;
  const left = secondsLeft(run);
  const rate = lastValue(run, "steps", "tokens_per_second");
  row.className = isShown(run) ? "" : "off";
  const [toggle, name, state, step, ...numbers] = row.children;
  const button = toggle.firstElementChild;
  button.setAttribute("aria-pressed", String(isShown(run)));
  button.setAttribute("aria-label", `show ${information.name}`);
  name.textContent = information.name;
  name.title = information.path;
  const problems = [information.problem, information.damagedLines > 0
    ? `${information.damagedLines} damaged lines of metrics.jsonl are left out` : null].filter(Boolean);
  if (problems.length) name.append(element("div", "problem", problems.join("; ")));
  state.firstElementChild.className = `state ${kind}`;
  state.firstElementChild.textContent = words;
  state.title = explanation;
  step.replaceChildren(progressOf(run));
  const texts = [
    formatNumber(lastValue(run, "steps", "loss"), 5),
    formatNumber(lastValue(run, "evaluations", "validation_loss"), 5),
    rate === null ? "–" : rate >= 1e5 ? formatCount(rate) : formatNumber(rate),
    formatDuration(lastOf(run, "steps", "seconds") ?? NaN),
    left === null ? "–" : formatDuration(left),
  ];
  numbers.forEach((cell, index) => { cell.textContent = texts[index]; });
}

function drawRuns(list) {
  const body = byId("runs");
  const rows = new Map([...body.children].map(row => [Number(row.dataset.run), row]));
  for (const [id, row] of rows) if (!list.some(run => run.id === id)) row.remove();
  for (const run of list) {
    let row = rows.get(run.id);
    // After a reconnection a run of the same number may be another one.
    if (!row || row.run !== run) {
      row?.remove();
      row = tableRow([toggleOf(run), ["", "name"], element("span", "state"), ["", "number"],
        ["", "number"], ["", "number"], ["", "number"], ["", "number"], ["", "number"]]);
      row.dataset.run = run.id;
      row.run = run;
      ["", "", "", "step", "loss", "validation", `${unitOf(list)}/s`, "time", "left"].forEach(
        (title, place) => { row.children[place].dataset.title = title; });
      body.append(row);
    }
    fillRun(row, run);
  }
  byId("toggles").hidden = list.length < 3;
}

// Ranks

const phases = [
  ["forward_seconds", "forward"], ["backward_seconds", "backward"], ["reduction_seconds", "reduction"],
  ["waiting_seconds", "waiting"], ["optimizer_seconds", "update"],
];

/** Mean seconds of each phase for each rank, over what is zoomed into, or over the last tenth. */
function rankTimes(run) {
  const table = run.tables.ranks;
  const count = table.steps.length;
  let [first, end] = [Math.max(0, count - Math.max(1, Math.ceil(count / 10))), count];
  if (view.range) {
    const [from, to] = stepsWithin(run, view.range);
    [first, end] = [lowerBound(table.steps, from), lowerBound(table.steps, to + 1)];
    if (first >= end) return null;
  }
  const mean = name => {
    const values = (table.curves[name]?.mean ?? []).slice(first, end).filter(value => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
  };
  const ranks = Array.from({ length: run.information.rankCount }, (_, rank) => ({
    rank, memory: mean(`${rank}.resident_bytes`), times: phases.map(([key]) => mean(`${rank}.${key}`)),
  }));
  return { from: first > 0 ? table.steps[first - 1] + 1 : 1, to: table.steps[end - 1], ranks };
}

/** Who computes longer than the others, so that they wait; empty where nobody does. */
function straggler(ranks) {
  if (ranks.length < 2) return "";
  const busy = ranks.map(({ times }) => times[0] + times[1] + times[4]);
  const slowest = busy.indexOf(Math.max(...busy));
  const others = busy.filter((_, rank) => rank !== slowest).sort((one, other) => one - other);
  const median = others[others.length >> 1];
  if (!(median > 0)) return "";
  const excess = busy[slowest] / median - 1;
  return excess > 0.1 ? `Rank ${slowest} computes ${formatNumber(100 * excess, 2)} % longer than the others, which wait for it.` : "";
}

function drawRanks() {
  const list = shownRuns().filter(run => run.tables.ranks && run.information.rankCount > 0);
  const shown = list.map(run => [run.information.name, rankTimes(run)]).filter(([, times]) => times);
  byId("ranks").hidden = shown.length === 0;
  if (!isNew("ranks", shown)) return;
  byId("ranks-remark").textContent = view.range
    ? "Of a step, on each rank: mean of what is zoomed into."
    : "Of a step, on each rank: mean of the last tenth of the run.";
  byId("ranks-content").replaceChildren(...shown.map(([name, times]) => {
    const card = element("div", "card scroll");
    const head = element("div", "row-head");
    head.append(element("h3", "", name), element("span", "muted", `steps ${times.from.toLocaleString("en-US")} to ${times.to.toLocaleString("en-US")}`));
    const total = ({ times: all }) => all.reduce((sum, time) => sum + time, 0);
    const longest = Math.max(...times.ranks.map(total));
    const rows = times.ranks.map(rank => {
      const track = element("div", "track");
      rank.times.forEach((time, index) => {
        const piece = element("span");
        piece.style.background = `var(--series-${index + 1})`;
        piece.style.width = `${longest > 0 ? 100 * time / longest : 0}%`;
        piece.title = `${phases[index][1]} ${formatDuration(time)}`;
        track.append(piece);
      });
      const row = tableRow([String(rank.rank), track, ...rank.times.map(time => [formatDuration(time), "number"]),
        [formatDuration(total(rank)), "number"], [rank.memory ? formatBytes(rank.memory) : "–", "number"]]);
      row.children[1].className = "bar";
      return row;
    });
    const table = element("table", "bars");
    table.append(...tableOf(["rank", "", ...phases.map(([, title]) => [title, "number"]), ["step", "number"], ["memory", "number"]], rows));
    phases.forEach(([, title], index) => {
      const [key, box] = [element("span", "key"), element("span", "swatch")];
      box.style.background = `var(--series-${index + 1})`;
      key.append(box, title);
      table.tHead.rows[0].cells[index + 2].replaceChildren(key);
    });
    card.append(head, table);
    const remark = straggler(times.ranks);
    if (remark) card.append(element("p", "problem", remark));
    return card;
  }));
}

// Sweeps

/** At the end of how many rungs a trial was compared with others; one that has finished was at all. */
function rungsOf({ information: { record } }) {
  return record?.state === "finished" ? Number.MAX_VALUE : record?.measurements?.length ?? 0;
}

function drawSweeps() {
  const shown = [...sweeps.values()].map(({ path, metric, goal, problem }) => {
    const part = metric === "loss" ? "steps" : "evaluations";
    const trials = [...runs.values()].filter(run => run.information?.sweep === path);
    const varied = differences(trials);
    const rows = trials.map((run, place) => ({
      name: run.information.name.slice(run.information.name.indexOf("trials/") + 7), state: stateOf(run),
      rungs: rungsOf(run),
      step: run.information.step, values: varied.map(([, values]) => values[place] ?? "–"),
      metric: lastValue(run, part, metric), reason: run.information.record?.reason ?? "",
    }));
    for (const row of rows) row.isRanked = row.metric !== null && !["diverged", "failed"].includes(row.state[0]);
    const sign = goal === "max" ? -1 : 1;
    rows.sort((one, other) => other.isRanked - one.isRanked
      || (one.isRanked && (other.rungs - one.rungs || sign * (one.metric - other.metric)))
      || one.name.localeCompare(other.name));
    return { path, metric, problem: problem ?? null, keys: varied.map(([key]) => key), rows };
  });
  byId("sweeps").hidden = shown.length === 0;
  if (!isNew("sweeps", shown)) return;
  byId("sweeps").replaceChildren(...shown.flatMap(({ path, metric, problem, keys, rows }) => {
    const [card, table] = [element("div", "card scroll"), element("table", "lines")];
    table.append(...tableOf(
      ["trial", ...keys, [titleOf(metric), "number"], ["step", "number"], "state"],
      rows.map((row, place) => {
        const made = tableRow([row.name, ...row.values, [formatOf(metric)(row.metric), "number"],
          [row.step.toLocaleString("en-US"), "number"], element("span", `state ${row.state[0]}`, row.state[1])]);
        made.title = row.reason;
        if (place === 0 && row.isRanked) made.className = "best";
        return made;
      })));
    card.append(table);
    // A trial has a row for each fold.
    const trialOf = row => row.name.split("/fold-")[0];
    const [begun, open] = [rows, rows.filter(row => row.state[0] !== "finished")].map(list => new Set(list.map(trialOf)));
    return [element("h2", "", `Sweep ${path}`), ...(problem ? [element("p", "problem", problem)] : []),
      element("p", "muted", `${begun.size} trials have begun, ${begun.size - open.size} are finished; those that came farthest first, of these the best by ${titleOf(metric)}.`),
      card];
  }));
}

// Samples

const sampleSteps = new Map();

function sampleElement(sample) {
  const holder = element("div", "sample");
  for (const [key, value] of Object.entries(sample)) {
    if (typeof value === "object") continue;
    if (key === "image") {
      if (!String(value).startsWith("data:image/png;base64,")) continue;
      const picture = element("img", "picture");
      [picture.src, picture.alt] = [value, sample.input ?? "image"];
      holder.prepend(picture);
      continue;
    }
    holder.append(element("div", "muted", { text: "model", prompt: "prompt" }[key] ?? key.replaceAll("_", " ")));
    holder.append(element("pre", key === "text" ? "made" : "", String(value)));
  }
  return holder;
}

function drawSamples() {
  const list = shownRuns().filter(run => run.samples.length > 0);
  byId("samples").hidden = list.length === 0;
  if (!isNew("samples", list.map(run => [run.id, run.information.name, run.samples.at(-1), run.samples.length]))) return;
  byId("samples-content").replaceChildren(...list.map(run => {
    const [card, head, select, content] = [element("div", "card"), element("div", "row-head"), element("select"), element("div")];
    const steps = run.samples.map(line => line.step);
    select.setAttribute("aria-label", `step of the samples of ${run.information.name}`);
    for (const step of steps) {
      const option = element("option", "", `step ${step.toLocaleString("en-US")}`);
      option.value = step;
      select.append(option);
    }
    const show = () => {
      const line = run.samples.find(line => line.step === Number(select.value)) ?? run.samples.at(-1);
      content.replaceChildren(...line.samples.filter(sample => sample && typeof sample === "object").map(sampleElement));
    };
    // The newest, unless a reader has chosen an older one.
    const chosen = sampleSteps.get(run.id);
    select.value = steps.includes(chosen) ? chosen : steps.at(-1);
    select.addEventListener("change", () => {
      const step = Number(select.value);
      if (step === steps.at(-1)) sampleSteps.delete(run.id); else sampleSteps.set(run.id, step);
      show();
    });
    show();
    const title = element("h3", "", run.information.name);
    head.append(title, select);
    card.append(head, content);
    return card;
  }));
}

// Configurations and final numbers

function drawDifferences() {
  const list = shownRuns();
  const found = list.length > 1 ? differences(list) : [];
  byId("differences").hidden = found.length === 0;
  const names = list.map(run => run.information.name);
  if (!isNew("differences", [names, found])) return;
  const table = byId("differences-table");
  if (list.length <= 4) {
    table.replaceChildren(...tableOf(["key", ...names],
      found.map(([key, values]) => tableRow([[key, "code"], ...values.map(value => value ?? "–")]))));
  } else {
    table.replaceChildren(...tableOf(["run", ...found.map(([key]) => [key, "code"])],
      names.map((name, place) => tableRow([name, ...found.map(([, values]) => values[place] ?? "–")]))));
  }
}

/** Members of an object as [key, value]; those of objects in it by their path: `privacy.epsilon`. */
function members(object, path = "") {
  return Object.entries(object).flatMap(([key, value]) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? members(value, `${path}${key}.`) : [[path + key, value]]);
}

/** The value of a member as [text, class]. */
function resultOf(key, value) {
  if (key === "parameters_sha256") return [value, "number code hash"];
  if (key === "seconds") return [formatDuration(value), "number"];
  if (key.endsWith("accuracy") || key === "peak_share") return [formatPercent(value), "number"];
  if (typeof value === "number") return [Number.isInteger(value) ? value.toLocaleString("en-US") : formatNumber(value, 6), "number"];
  return [Array.isArray(value) ? JSON.stringify(value) : String(value), "number text"];
}

function drawResults() {
  const list = shownRuns().filter(run => run.information.summary);
  byId("results").hidden = list.length === 0;
  const flat = list.map(run => {
    const { lockstep, ...summary } = run.information.summary;
    const program = Object.entries(lockstep ?? {}).map(([key, value]) => [key === "version" ? "Lockstep" : key, value]);
    return new Map([...members(summary), ...program]);
  });
  if (!isNew("results", [list.map(run => run.information.name), flat.map(map => [...map])])) return;
  const [first, last] = [["loss", "validation_loss"], ["parameters_sha256"]];
  const keys = [...new Set(flat.flatMap(map => [...map.keys()]))];
  const ordered = [...first.filter(key => keys.includes(key)), ...keys.filter(key => !first.includes(key) && !last.includes(key)),
    ...last.filter(key => keys.includes(key))];
  byId("results-table").replaceChildren(...tableOf(["", ...list.map(run => [run.information.name, "number"])],
    ordered.map(key => {
      const title = key === "parameters_sha256" ? key : titleOf(key);
      return tableRow([title, ...flat.map(map => map.has(key) ? resultOf(key, map.get(key)) : "–")]);
    })));
}

function drawConfigurations() {
  const list = shownRuns();
  byId("configurations").hidden = list.length === 0;
  if (!isNew("configurations", list.map(run => [run.information.name, run.information.settings, run.information.provenance]))) return;
  byId("configurations-content").replaceChildren(...list.map(run => {
    const [details, table] = [element("details", "scroll"), element("table", "lines")];
    const { information } = run;
    details.append(element("summary", "", `${information.name}: ${information.settings.length} keys`));
    table.append(...tableOf(["key", "value"], [...information.settings, ...information.provenance].map(
      ({ key, value }) => tableRow([[key, "code"], [value, "code"]]))));
    details.append(table);
    return details;
  }));
}
