const words = data.words;
const tokens = data.tokens.map((token) => words[token]);
const prediction = data.prediction;

// Blanks that are part of a token are made visible.
const visible = (text) => text.replaceAll(" ", "\u00b7").replaceAll("\n", "\u21b5").replaceAll("\t", "\u21e5");
const word = (text, attributes = {}) => make("span", { class: "word", ...attributes, text: visible(text) });
const target = words[prediction.target.token];

byId("source").textContent = data.model.source;
byId("reading").textContent = `\u201c${data.text}\u201d`;
facts(byId("facts"), [...modelFacts(), ["tokens", `${tokens.length}, counted from 0`]]);
for (const place of document.querySelectorAll(".target")) place.textContent = visible(target);

byId("question").append(
  "After ", word(tokens[prediction.position]), ` at position ${prediction.position}; `,
  "explained is ", word(target), `, number ${prediction.rank} with ${percent(prediction.target.probability)}.`);
bars(byId("candidates"),
  prediction.candidates.map(({ token, probability }) => ({ name: word(words[token]), share: probability })),
  prediction.candidates.findIndex(({ token }) => token === prediction.target.token));

// Attribution.
const largest = Math.max(...data.attribution.values.map(Math.abs), 0);
for (const [index, value] of data.attribution.values.entries()) {
  byId("attribution").append(
    make("span", { class: index === prediction.position ? "token chosen" : "token", style: signedShade(value, largest) },
      word(tokens[index]), make("span", { class: "value", text: signed(value, largest) })));
}
byId("completeness").textContent =
  `The numbers add up to ${signed(data.attribution.sum, 1)}; the score itself is ${signed(prediction.logit, 1)}. ` +
  "The two agree only where a network is linear in its input: this shows a direction, not shares of a whole. " +
  "Positions after the one that predicts have no part in it.";

// The lens.
const lens = byId("lens");
const places = [];
lens.append(make("thead", {}, make("tr", {}, make("th"),
  ...tokens.map((text, index) => {
    const button = make("button", { class: "place", title: `position ${index}`, onclick: () => showPlace(index) }, word(text));
    places.push(button);
    return make("th", {}, button);
  }))));
lens.append(make("tbody", {}, ...data.lens.map((layer) =>
  make("tr", {}, make("th", { text: layer.name }),
    ...layer.positions.map((candidates, index) => {
      const [first] = candidates;
      return make("td", {
        style: shade(first.probability),
        title: candidates.map(({ token, probability }) => `${visible(words[token])}  ${percent(probability)}`).join("\n"),
        onclick: () => showPlace(index),
      }, word(words[first.token]));
    })))));

function showPlace(position) {
  for (const [index, button] of places.entries()) button.classList.toggle("chosen", index === position);
  byId("lens-place").replaceChildren("After ", word(tokens[position]), ` at position ${position}`);
  const isExplained = position === prediction.position;
  const detail = byId("lens-detail");
  detail.replaceChildren(
    make("tr", {}, make("th", { text: "layer" }), make("th", { colspan: 5, text: "likeliest" }),
      ...(isExplained ? [make("th", { class: "number" }, word(target))] : [])),
    ...data.lens.map((layer) => make("tr", {}, make("th", { text: layer.name }),
      ...layer.positions[position].map(({ token, probability }) =>
        make("td", { class: "guess", style: shade(probability) }, word(words[token]), " ",
          make("span", { class: "share", text: percent(probability) }))),
      ...(isExplained ? [make("td", { class: "number", text: percent(layer.target) })] : []))));
}
showPlace(prediction.position);

// Attention.
let shown;
let query = prediction.position;

smallMultiples(byId("maps"), data.attention,
  (canvas, layer, head) => {
    const rows = layer.heads[head];
    paint(canvas, rows.length, tokens.length, (row, column) => Math.sqrt(rows[row][column] ?? 0));
  },
  (layer, head) => {
    shown = layer.heads[head];
    byId("map-name").textContent = `${layer.name}, head ${head}`;
    showLarge();
    look(query);
  });

function showLarge() {
  const container = byId("map-large");
  const longest = Math.max(...tokens.map((text) => text.length));
  const room = container.parentElement.clientWidth - Math.min(110, 16 + 8 * longest);
  const cell = Math.max(5, Math.min(26, Math.floor(room / tokens.length)));
  // Labels that would lie on each other are left out.
  const every = Math.ceil(11 / cell);
  container.style.setProperty("--cell", cell + "px");
  const canvas = make("canvas", { style: `width: ${cell * tokens.length}px; height: ${cell * shown.length}px` });
  const labels = () => tokens.map((text, index) => make("span", {}, ...(index % every === 0 ? [word(text)] : [])));
  container.replaceChildren(
    make("div", { class: "axis columns" }, ...labels()),
    make("div", { class: "axis rows" }, ...labels()), canvas);
  const rows = shown;
  paint(canvas, rows.length, tokens.length, (row, column) => Math.sqrt(rows[row][column] ?? 0));
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / box.height * rows.length);
    const column = Math.floor((event.clientX - box.left) / box.width * tokens.length);
    if (row < 0 || column < 0 || row >= rows.length || column >= tokens.length) return;
    byId("cell").replaceChildren(word(tokens[row]), " gives ", word(tokens[column]), ` ${percent(rows[row][column] ?? 0)}`);
    look(row);
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
}

// Shows where the token at this position looks.
function look(position) {
  query = position;
  const row = shown[position];
  const strip = byId("strip");
  if (strip.childElementCount === 0) {
    for (const [index, text] of tokens.entries()) {
      const choose = () => look(index);
      strip.append(make("button", { class: "token", onclick: choose, onpointerenter: choose, onfocus: choose }, word(text)));
    }
  }
  for (const [index, token] of [...strip.children].entries()) {
    token.style.cssText = shade(row[index] ?? 0);
    token.classList.toggle("chosen", index === position);
  }
  const best = row.map((share, index) => ({ share, index })).sort((a, b) => b.share - a.share).slice(0, 5);
  byId("looks").replaceChildren(
    "Choose a token below to see where it looks: ", word(tokens[position]), ` at position ${position} looks at `,
    ...best.flatMap(({ share, index }, place) => [
      place > 0 ? ", " : "", make("span", { class: "pair" }, word(tokens[index]), ` ${percent(share)}`)]), ".");
}
