const words = data.words;
const tokens = data.tokens.map((token) => words[token]);
// The texts that attention looks from and at: of a translation model two.
const texts = { target: tokens, source: data.source?.tokens.map((token) => words[token]) };
const textOf = (side) => texts[side] ?? tokens;
const prediction = data.prediction;

// Blanks that are part of a token are made visible.
const visible = (text) => text.replaceAll(" ", "\u00b7").replaceAll("\n", "\u21b5").replaceAll("\t", "\u21e5");
const word = (text, attributes = {}) => make("span", { class: "word", ...attributes, text: visible(text) });
const target = words[prediction.target.token];

byId("source").textContent = data.model.source;
byId("reading").textContent = data.source
  ? `\u201c${data.source.text}\u201d \u2192 \u201c${data.text}\u201d` : `\u201c${data.text}\u201d`;
facts(byId("facts"), [...modelFacts(), ["tokens", `${tokens.length}, counted from 0`]]);
for (const place of document.querySelectorAll(".target")) place.textContent = visible(target);

// What is predicted comes after a position, or is hidden at it.
const placeOf = (position) => prediction.masked
  ? [`At position ${position}, where `, word(tokens[position]), " stands"]
  : ["After ", word(tokens[position]), ` at position ${position}`];

if (prediction.masked) byId("next").textContent = "What is hidden";
byId("question").append(
  ...placeOf(prediction.position), "; ",
  "explained is ", word(target), `, number ${prediction.rank} with ${percent(prediction.target.probability)}.`);
bars(byId("candidates"),
  prediction.candidates.map(({ token, probability }) => ({ name: word(words[token]), share: probability })),
  prediction.candidates.findIndex(({ token }) => token === prediction.target.token));

// Attribution.
if (!data.source) for (const element of document.querySelectorAll(".of-source")) element.remove();
const attribution = { target: numbers(data.attribution.values), source: numbers(data.source?.attribution ?? []) };
const largest = largestOf([...attribution.target, ...attribution.source]);
function attribute(container, texts, values, chosen) {
  for (const [index, value] of values.entries()) {
    container.append(
      make("span", { class: index === chosen ? "token chosen" : "token", style: signedShade(value, largest) },
        word(texts[index]), make("span", { class: "value", text: signed(value, largest) })));
  }
}
attribute(byId("attribution"), tokens, attribution.target, prediction.position);
if (data.source) attribute(byId("attribution-source"), texts.source, attribution.source);
byId("completeness").textContent =
  `The numbers add up to ${signed(Number(data.attribution.sum), 1)}; the score itself is ${signed(prediction.logit, 1)}. ` +
  "The two agree only where a network is linear in its input: this shows a direction, not shares of a whole." +
  (prediction.masked ? "" : " Positions after the one that predicts have no part in it.");

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
  byId("lens-place").replaceChildren(...placeOf(position));
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

smallMultiples(byId("maps"), data.attention,
  (canvas, layer, head) => {
    const rows = layer.heads[head];
    paint(canvas, rows.length, textOf(layer.keys).length, (row, column) => Math.sqrt(rows[row][column] ?? 0));
  },
  (layer, head) => {
    const isNew = shown?.queries !== textOf(layer.queries) || shown?.keys !== textOf(layer.keys);
    const query = shown?.queries === textOf(layer.queries) ? shown.query
      : layer.queries === "source" ? 0 : prediction.position;
    shown = { rows: layer.heads[head], queries: textOf(layer.queries), keys: textOf(layer.keys), query };
    byId("map-name").textContent = `${layer.name}, head ${head}`;
    if (isNew) showStrips();
    showLarge();
    look(query);
  });

function showLarge() {
  const { rows, queries, keys } = shown;
  const container = byId("map-large");
  const longest = Math.max(...queries.map((text) => text.length));
  const room = container.parentElement.clientWidth - Math.min(110, 16 + 8 * longest);
  const cell = Math.max(5, Math.min(26, Math.floor(room / keys.length)));
  // Labels that would lie on each other are left out.
  const every = Math.ceil(11 / cell);
  container.style.setProperty("--cell", cell + "px");
  const canvas = make("canvas", { style: `width: ${cell * keys.length}px; height: ${cell * rows.length}px` });
  const labels = (texts) => texts.map((text, index) => make("span", {}, ...(index % every === 0 ? [word(text)] : [])));
  container.replaceChildren(
    make("div", { class: "axis columns" }, ...labels(keys)),
    make("div", { class: "axis rows" }, ...labels(queries)), canvas);
  paint(canvas, rows.length, keys.length, (row, column) => Math.sqrt(rows[row][column] ?? 0));
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / box.height * rows.length);
    const column = Math.floor((event.clientX - box.left) / box.width * keys.length);
    if (row < 0 || column < 0 || row >= rows.length || column >= keys.length) return;
    byId("cell").replaceChildren(word(queries[row]), " gives ", word(keys[column]), ` ${percent(rows[row][column] ?? 0)}`);
    look(row);
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
}

// The text that looks, to choose from, and below it the other one where it looks at another.
function showStrips() {
  byId("strip").replaceChildren(...shown.queries.map((text, index) => {
    const choose = () => look(index);
    return make("button", { class: "token", onclick: choose, onpointerenter: choose, onfocus: choose }, word(text));
  }));
  const isOther = shown.keys !== shown.queries;
  byId("strip-keys").replaceChildren(...(isOther ? shown.keys.map((text) => make("span", { class: "token" }, word(text))) : []));
}

// Shows where the token at this position looks.
function look(position) {
  shown.query = position;
  const { rows, queries, keys } = shown;
  const row = rows[position];
  for (const [index, token] of [...byId("strip").children].entries()) token.classList.toggle("chosen", index === position);
  const seen = keys === queries ? byId("strip") : byId("strip-keys");
  for (const [index, token] of [...seen.children].entries()) token.style.cssText = shade(row[index] ?? 0);
  const best = row.map((share, index) => ({ share, index })).sort((a, b) => b.share - a.share).slice(0, 5);
  byId("looks").replaceChildren(
    "Choose a token below to see where it looks: ", word(queries[position]), ` at position ${position} looks at `,
    ...best.flatMap(({ share, index }, place) => [
      place > 0 ? ", " : "", make("span", { class: "pair" }, word(keys[index]), ` ${percent(share)}`)]), ".");
}
