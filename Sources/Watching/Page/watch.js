// Puts everything together: messages come in, and what they change is drawn anew.

/** An address of the server, with the token of this page's own. */
function address(path, query = {}) {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  return `${path}?${new URLSearchParams({ ...query, token })}`;
}

const byId = id => document.getElementById(id);

let isPlanned = false;

/** Draws soon, and once for all that comes until then. */
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => { isPlanned = false; drawAll(); });
}

function drawAll() {
  const list = [...runs.values()].filter(run => run.information);
  byId("overview").hidden = list.length === 0;
  byId("controls").hidden = list.length === 0;
  byId("nothing").hidden = list.length > 0;
  byId("nothing").textContent = "No run has begun yet. This page shows runs as soon as they are there.";
  byId("heading").textContent = list.length === 1 ? list[0].information.name : `${list.length} runs`;
  document.title = list.length === 1 ? `${list[0].information.name} – Lockstep` : `${list.length} runs – Lockstep`;
  const unit = unitOf(list);
  byId("rate-heading").textContent = `${unit}/s`;
  byId("axis-tokens").textContent = unit;
  drawRuns(list);
  drawCharts();
  drawRanks();
  drawSweeps();
  drawSamples();
  drawDifferences();
  drawResults();
  drawConfigurations();
  refineGrowing();
}

function follow() {
  const source = new EventSource(address("events"));
  source.onopen = () => {
    // A server that was started anew tells everything anew.
    runs.clear();
    sweeps.clear();
    byId("connection").textContent = "live";
  };
  source.onmessage = event => { take(JSON.parse(event.data)); plan(); };
  source.onerror = () => {
    // A server that was started anew has another token, and refuses this page.
    byId("connection").textContent = source.readyState === EventSource.CLOSED
      ? "not connected: open the address that the newest lockstep watch has printed"
      : "not connected: lockstep watch has ended, or the tunnel is closed; trying again";
  };
  // Ages of last lines grow by themselves.
  setInterval(plan, 5000);
}

byId("axis").addEventListener("change", event => {
  view.axis = event.target.value;
  zoom(null);
});
byId("smoothing").addEventListener("input", event => {
  view.span = spans[Number(event.target.value)];
  byId("smoothing-text").textContent = view.span ? `over ${view.span.toLocaleString("en-US")} steps` : "off";
  drawCharts();
});
byId("whole").addEventListener("click", () => zoom(null));
byId("show-all").addEventListener("click", () => { for (const run of runs.values()) setShown(run, true); drawAll(); });
byId("show-none").addEventListener("click", () => { for (const run of runs.values()) setShown(run, false); drawAll(); });

if (data.live) {
  follow();
} else {
  data.messages.forEach(take);
  byId("connection").textContent = `report of ${new Date(data.written * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  drawAll();
}
