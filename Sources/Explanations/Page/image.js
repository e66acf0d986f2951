const pixels = data.image.pixels;
const [height, width] = [pixels.length, pixels[0].length];
const { classes, target } = data.prediction;
document.documentElement.style.setProperty("--aspect", width / height);

byId("source").textContent = data.model.source;
byId("reading").textContent =
  `Image ${data.image.index} of ${data.image.path}, of class ${classes[data.image.label] ?? data.image.label} (\u2713).`;
facts(byId("facts"), modelFacts());
for (const place of document.querySelectorAll(".target")) place.textContent = classes[target];

// The image itself has the same greys whatever the reader prefers.
function drawImage(canvas) {
  canvas.width = width;
  canvas.height = height;
  const image = canvas.getContext("2d").createImageData(width, height);
  pixels.flat().forEach((value, index) => image.data.set([value, value, value, 255], 4 * index));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

drawImage(byId("picture"));
classBars(byId("candidates"), data.prediction, data.image.label);

// What lies over a faint image.
function overlay(container, rows, columns, valueAt) {
  const [picture, map] = [make("canvas", { class: "faint" }), make("canvas", { class: "over" })];
  drawImage(picture);
  container.replaceChildren(picture, map);
  paint(map, rows, columns, valueAt);
  return map;
}

// Attribution.
const values = data.attribution.values.map(numbers);
const finite = values.flat().filter(Number.isFinite);
const lost = values.flat().length - finite.length;
const largest = Math.max(largestOf(finite), 1e-12);
overlay(byId("attribution"), height, width, (row, column) => values[row][column] / largest);
paint(byId("attribution-alone"), height, width, (row, column) => values[row][column] / largest);
byId("completeness").textContent =
  `The numbers add up to ${signed(Number(data.attribution.sum), 1)}; the score itself is ${signed(data.prediction.logit, 1)}; ` +
  `the largest of a pixel is ${signed(finite.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0), largest)}. ` +
  (lost > 0 ? `Those of ${lost} pixels are not finite. ` : "") +
  "Sum and score agree only where a network is linear in its input, but for a constant: this shows a direction, not " +
  "shares of a whole.";

// The lens.
if (data.lens.length === 0) byId("lens-section").remove();
else byId("lens").append(
  make("thead", {}, make("tr", {}, make("th"), ...classes.map((name, index) =>
    make("th", { class: index === target ? "chosen" : "", text: name })))),
  make("tbody", {}, ...data.lens.map((layer) => make("tr", {}, make("th", { text: layer.name }),
    ...layer.probabilities.map((share) => make("td", { style: shade(share), text: percent(share) }))))));

// Attention.
if (!data.attention) byId("attention-section").remove();
else {
  const { rows, columns, layers, rollout } = data.attention;
  const patches = rows * columns;
  const most = Math.max(...rollout);
  overlay(byId("rollout"), rows, columns, (row, column) => rollout[row * columns + column] / most);

  // What each patch gets: from one patch, or on average.
  const received = (maps, query) => Array.from({ length: patches }, (_, key) =>
    query === undefined
      ? maps.reduce((sum, map) => sum + (map[key] ?? 0), 0) / maps.length
      : maps[query][key] ?? 0);
  const placeOf = (patch) => `row ${Math.floor(patch / columns)}, column ${patch % columns}`;

  smallMultiples(byId("maps"), layers,
    (canvas, layer, head) => {
      const shares = received(layer.heads[head]);
      const most = Math.max(...shares);
      paint(canvas, rows, columns, (row, column) => shares[row * columns + column] / most);
    },
    (layer, head) => {
      const show = (query) => {
        const shares = received(layer.heads[head], query);
        const most = Math.max(...shares);
        const strongest = shares.indexOf(most);
        byId("map-name").textContent = `${layer.name}, head ${head}`;
        byId("looks").textContent =
          `${layer.name}, head ${head}: ` +
          (query === undefined ? "on average a patch looks most" : `the patch at ${placeOf(query)} looks most`) +
          ` at ${placeOf(strongest)}, with ${percent(most)}. Point at a patch of the large map to see where that patch looks.`;
        return overlay(byId("map-large"), rows, columns, (row, column) => shares[row * columns + column] / most);
      };
      const container = byId("map-large");
      show();
      let last;
      const point = (event) => {
        const box = container.getBoundingClientRect();
        const row = Math.floor((event.clientY - box.top) / box.height * rows);
        const column = Math.floor((event.clientX - box.left) / box.width * columns);
        const query = row * columns + column;
        if (row < 0 || column < 0 || row >= rows || column >= columns || query === last) return;
        last = query;
        show(query);
      };
      container.onpointermove = point;
      container.onpointerdown = point;
      container.onpointerleave = () => { last = undefined; show(); };
    });
}
