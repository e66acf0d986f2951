// What is known of the runs. It comes as messages: all at once in a file, bit by bit from a server.

const parts = ["steps", "evaluations", "ranks"];
const runs = new Map();
const sweeps = new Map();
/** What the clock of the server is ahead of this one, in seconds. */
let clockAhead = 0;
let hasChosen = false;
/** Paths of the runs that a reader does not want to see. */
const hidden = new Set();

function newRun(id) {
  const place = runs.size;
  return {
    id, information: null, tables: {}, samples: [], detail: null,
    color: `--series-${place % 6 + 1}`, dash: [[], [7, 4], [2, 3]][Math.floor(place / 6) % 3],
  };
}

/** Puts the rows of a section in place of those that begin where it begins. */
function merge(table, section) {
  if (!table || section.firstRow === 0 || section.bucket !== table.bucket) return section;
  const kept = section.firstRow / section.bucket;
  const join = (before, after) => [...before.slice(0, kept), ...after];
  const nothing = length => Array(length).fill(null);
  const curves = {};
  for (const name of new Set([...Object.keys(table.curves), ...Object.keys(section.curves)])) {
    const [before, after] = [table.curves[name], section.curves[name]];
    curves[name] = {};
    for (const kind of Object.keys(after ?? before)) {
      curves[name][kind] = join(
        before?.[kind] ?? nothing(table.steps.length), after?.[kind] ?? nothing(section.steps.length));
    }
  }
  return {
    ...section, firstRow: 0, curves, last: { ...table.last, ...section.last }, steps: join(table.steps, section.steps),
    tokens: join(table.tokens, section.tokens), seconds: join(table.seconds, section.seconds),
  };
}

/** Takes in a message of the server, or of the file. */
function take(message) {
  if (message.now !== undefined) clockAhead = data.live ? message.now - Date.now() / 1000 : 0;
  if (message.gone !== undefined) runs.delete(message.gone);
  if (message.sweep) sweeps.set(message.sweep.path, message.sweep);
  if (message.complete !== undefined) chooseShown();
  if (message.run === undefined) return;
  if (!runs.has(message.run)) runs.set(message.run, newRun(message.run));
  const run = runs.get(message.run);
  if (message.restarted) [run.tables, run.samples, run.detail] = [{}, [], null];
  if (message.information) {
    // What nobody knows is left out of a message.
    run.information = {
      sweep: null, steps: null, secondsPerStep: null, lastWritten: null, problem: null, ...message.information,
    };
  }
  for (const part of parts) {
    if (message[part]) run.tables[part] = merge(run.tables[part], message[part]);
  }
  if (message.samples) run.samples = [...run.samples, ...message.samples].slice(-100);
}

/** Of very many runs only the newest are shown at first. */
function chooseShown() {
  if (hasChosen || runs.size === 0) return;
  hasChosen = true;
  const most = 8;
  if (runs.size <= most) return;
  const newest = [...runs.values()].sort(
    (one, other) => (other.information?.lastWritten ?? 0) - (one.information?.lastWritten ?? 0));
  for (const run of newest.slice(most)) setShown(run, false);
}

const isShown = run => !hidden.has(run.information.path);

function setShown(run, isOn) {
  if (isOn) hidden.delete(run.information?.path); else hidden.add(run.information?.path);
}

const shownRuns = () => [...runs.values()].filter(run => run.information && isShown(run));

/** The newest value of a curve; null where there is none. */
function lastValue(run, part, name) {
  return run.tables[part]?.last[name] ?? null;
}

const lastOf = (run, part, list) => run.tables[part]?.[list].at(-1) ?? null;

function secondsLeft(run) {
  const { state, steps, step, secondsPerStep } = run.information;
  if (state !== "running" || steps === null || !secondsPerStep) return null;
  return Math.max(0, steps - step) * secondsPerStep;
}

/** What a run is doing: [class, words, explanation]. */
function stateOf(run) {
  const { state, lastWritten, record, step } = run.information;
  if (record?.state === "diverged" || record?.state === "failed") return [record.state, record.state, record.reason ?? ""];
  const silence = lastWritten ? Date.now() / 1000 + clockAhead - lastWritten : 0;
  switch (state) {
    case "running":
      return silence > 120 && data.live
        ? ["running", `running, last line ${formatDuration(silence)} ago`, "its process is there"] : ["running", "running", ""];
    case "waiting": return ["waiting", "before its first step", ""];
    case "stopped": return ["stopped", `stopped at step ${step.toLocaleString("en-US")}`, "everything is saved; --resume goes on"];
    case "quiet":
      if (!lastWritten) return ["quiet", "no step yet", "no process of this machine trains there"];
      return data.live
        ? ["quiet", `no news for ${formatDuration(silence)}`, "it has ended without a summary, or trains on another machine"]
        : ["quiet", "not finished", "it had no summary when this page was written"];
    default: return [state, state, ""];
  }
}

/** What targets are called, by the format of the data; those of the other formats are tokens. */
const units = new Map([["csv", "samples"], ["idx", "samples"], ["texts", "texts"], ["preferences", "preferences"]]);

/** What the targets of all runs of a list are called. */
function unitOf(list) {
  const formats = list.flatMap(run => run.information.settings.filter(({ key }) => key === "data.format"));
  const found = new Set(formats.map(({ value }) => units.get(value) ?? "tokens"));
  return found.size > 1 ? "targets" : [...found][0] ?? "tokens";
}

/** Keys whose values are not the same in all runs: [key, values by run]. */
function differences(list) {
  const keys = [];
  for (const run of list) for (const { key } of run.information.settings) if (!keys.includes(key)) keys.push(key);
  const tables = list.map(run => new Map(run.information.settings.map(({ key, value }) => [key, value])));
  return keys.map(key => [key, tables.map(table => table.get(key) ?? null)])
    .filter(([, values]) => values.some(value => value !== values[0]));
}
