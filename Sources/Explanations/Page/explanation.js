// What the pages about text and about images have in common. The page's script comes after it.

const byId = (id) => document.getElementById(id);

// An element with attributes ("text" is its content, "on…" a listener) and children.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function percent(share) {
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (value < 0.1) return "< 0.1 %";
  return (value < 9.95 ? value.toFixed(1) : value.toFixed(0)) + "\u00a0%";
}

// Numbers that are not finite come as texts: "NaN", "Infinity", "-Infinity".
const numbers = (values) => values.map(Number);

// The largest magnitude of those that are finite; there may be more than a function takes arguments.
const largestOf = (values) =>
  values.filter(Number.isFinite).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

// With a sign, and as many decimals as the largest of its kind needs.
function signed(value, largest) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value < 0 ? "\u2212\u221e" : "+\u221e";
  const decimals = largest >= 100 ? 0 : largest >= 10 ? 1 : largest >= 0.1 ? 2 : 4;
  const text = Math.abs(value).toFixed(decimals);
  if (Number(text) === 0) return text;
  return (value < 0 ? "\u2212" : "+") + text;
}

const grouped = (number) => number.toLocaleString("en");

// The numbers of one of the style's colours, "31, 111, 178".
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const channels = (name) => colour(name).split(",").map(Number);

// A background for a share: the square root lets small ones be seen.
const shade = (share) => `background: rgba(var(--positive), ${(0.85 * Math.sqrt(share)).toFixed(3)})`;
const signedShade = (value, largest) => !Number.isFinite(value) ? "" :
  `background: rgba(var(--${value < 0 ? "negative" : "positive"}), ` +
  `${(0.7 * Math.abs(value) / (largest || 1)).toFixed(3)})`;

// Paints an array [rows][columns] of -1 ... 1, one pixel each: positive and negative in the style's
// colours. Painted anew when the reader changes between light and dark.
const paintings = new Map();
function paint(canvas, rows, columns, valueAt) {
  const draw = () => {
    canvas.width = columns;
    canvas.height = rows;
    const image = canvas.getContext("2d").createImageData(columns, rows);
    const [positive, negative] = [channels("--positive"), channels("--negative")];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = valueAt(row, column);
        const place = 4 * (row * columns + column);
        image.data.set(value < 0 ? negative : positive, place);
        image.data[place + 3] = Math.round(255 * Math.min(1, Math.abs(value)));
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  paintings.set(canvas, draw);
  draw();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const draw of paintings.values()) draw();
});

function facts(list, entries) {
  for (const [name, value] of entries) {
    if (value === undefined || value === null) continue;
    list.append(make("dt", { text: name }), make("dd", {}, value));
  }
}

function modelFacts() {
  const model = data.model;
  return [
    ["model", model.summary],
    ["parameters", grouped(model.parameters)],
    ["checkpoint", make("span", { class: "code", text: model.checkpoint })],
    ["step", model.step === undefined ? undefined : grouped(model.step)],
    ["parameters_sha256", model.parameters_sha256 && make("span", { class: "code", text: model.parameters_sha256 })],
  ];
}

// A table of names, bars and shares, all on one scale: a full bar is 100 %. The chosen one is right, wrong,
// or, where nobody knows the right one, neither.
function bars(container, entries, chosen, right) {
  const verdict = right === undefined ? "" : chosen === right ? " right" : " wrong";
  for (const [index, { name, share }] of entries.entries()) {
    container.append(
      make("div", { class: index === chosen ? `bar chosen${verdict}` : "bar" },
        make("span", { class: "name" }, name),
        make("span", { class: "track" }, make("span", { class: "fill", style: `width: ${(100 * share).toFixed(1)}%` })),
        make("span", { class: "number", text: percent(share) })));
  }
}

// The classes with their probabilities; the right one has a mark.
function classBars(container, { classes, probabilities }, right) {
  bars(container, classes.map((name, index) => ({
    name: make("span", { text: index === right ? `${name} \u2713` : name }), share: probabilities[index],
  })), probabilities.indexOf(Math.max(...probabilities)), right ?? undefined);
}

// Small pictures, a row for each layer and a column for each head; `show(layer, head)` shows one of
// them large, and so does an address that ends in #block-0-head-1.
const fragmentOf = (layer, head) => `${layer.name.replaceAll(" ", "-")}-head-${head}`;

function smallMultiples(container, layers, draw, show) {
  const most = Math.max(...layers.map((layer) => layer.heads.length));
  container.style.setProperty("--heads", most);
  container.append(make("span"));
  for (let head = 0; head < most; head++) container.append(make("span", { class: "head-name", text: `head ${head}` }));
  const tiles = new Map();
  for (const layer of layers) {
    container.append(make("span", { class: "layer-name", text: layer.name }));
    for (let head = 0; head < most; head++) {
      if (head >= layer.heads.length) { container.append(make("span")); continue; }
      const canvas = make("canvas");
      const fragment = fragmentOf(layer, head);
      const tile = make("a", { class: "map", href: "#" + fragment, "aria-label": `${layer.name}, head ${head}` }, canvas);
      draw(canvas, layer, head);
      tiles.set(fragment, { tile, layer, head });
      container.append(tile);
    }
  }
  const choose = () => {
    const wanted = decodeURIComponent(location.hash.slice(1));
    const found = tiles.get(wanted) ?? tiles.values().next().value;
    for (const { tile } of tiles.values()) tile.classList.toggle("chosen", tile === found.tile);
    show(found.layer, found.head);
  };
  addEventListener("hashchange", choose);
  // The browser need not jump to anything: the pictures and the large one are in view together.
  for (const { tile } of tiles.values()) {
    tile.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", tile.getAttribute("href"));
      choose();
    });
  }
  choose();
}
