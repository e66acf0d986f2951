// Points at a trial everywhere at once, and keeps the trials that cross the axes where one brushes.
const all = selector => [...document.querySelectorAll(selector)];
const marked = all("[data-trial]");
const told = document.getElementById("told");

function tell(number) {
  const trial = data.trials.find(trial => trial.trial === number);
  if (!told) return;
  if (!trial) { told.textContent = "\u00a0"; return; }
  const values = data.keys.map(key => `${key} ${JSON.stringify(trial.parameters[key])}`);
  const metric = trial.metric === undefined ? [] : [`${data.metric} ${Number(trial.metric).toPrecision(6)}`];
  const reason = trial.reason ? [trial.reason] : [];
  told.textContent = [`trial ${number}, ${trial.state}`, ...values, ...metric, ...reason].join(" · ");
}

function point(event) {
  const element = event.target.closest?.("[data-trial]");
  const number = element ? Number(element.dataset.trial) : null;
  for (const other of marked) other.classList.toggle("hot", Number(other.dataset.trial) === number);
  tell(number);
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
