const { row, prediction } = data;
const exact = (value) => Number(value).toLocaleString("en", { maximumSignificantDigits: 7 });

byId("source").textContent = data.model.source;
byId("reading").textContent = `Row ${row.index} of ${row.path}` +
  (prediction ? `, ${row.target} is ${prediction.classes[row.label] ?? row.label} (\u2713).` : ".");
facts(byId("facts"), modelFacts());

// What is predicted: classes, or a value beside that of the table.
if (prediction) {
  classBars(byId("candidates"), prediction, row.label);
  byId("explained").append("the score of ", make("b", { text: prediction.classes[prediction.target] }));
} else {
  byId("candidates").append(make("table", { class: "lines" },
    make("tr", {}, make("th", { text: `${row.target}, as predicted` }), make("td", { class: "number", text: exact(data.value) })),
    make("tr", {}, make("th", { text: `${row.target}, in the table` }), make("td", { class: "number", text: exact(row.value) })),
    make("tr", {}, make("th", { text: data.value < row.value ? "too low by" : "too high by" }),
      make("td", { class: "number", text: exact(Math.abs(data.value - row.value)) }))));
  byId("explained").append("the predicted ", make("b", { text: row.target }));
}

// Columns, those with the largest part first.
const parts = numbers(data.attribution.values);
const largest = Math.max(largestOf(parts), 1e-12);
const order = [...parts.keys()].sort((a, b) => Math.abs(parts[b]) - Math.abs(parts[a]));
const half = (sign, value) => make("span", { class: "half" }, ...(Math.sign(value) === sign
  ? [make("span", { class: sign > 0 ? "for" : "against", style: `width: ${(100 * Math.min(1, Math.abs(value) / largest)).toFixed(1)}%` })]
  : []));
byId("columns").append(
  make("thead", {}, make("tr", {}, make("th", { text: "column" }), make("th", { class: "number", text: "in the table" }),
    make("th", { class: "number", text: "its part" }), make("th"))),
  make("tbody", {}, ...order.map((index) => make("tr", {},
    make("td", { text: row.columns[index] }), make("td", { class: "number", text: exact(row.values[index]) }),
    make("td", { class: "number", text: signed(parts[index], largest) }),
    make("td", {}, make("span", { class: "both-ways" }, half(-1, parts[index]), half(1, parts[index])))))));

const said = prediction ? prediction.logit : data.value;
byId("completeness").textContent =
  `The numbers add up to ${signed(Number(data.attribution.sum), 1)}; the ${prediction ? "score" : "value"} itself is ${signed(said, 1)}. ` +
  "The two agree only where a network is linear in its input, but for a constant: this shows a direction, not shares of a whole.";
