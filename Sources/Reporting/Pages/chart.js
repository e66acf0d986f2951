// Curves on a canvas: overlaid, smoothed, zoomed by dragging, asked for their values by pointing or by
// arrow keys.
//
// A series is {name, color, dash, opacity, width, x, mean, low, high, counts}: for each point its place,
// ascending, the mean, the lowest and the highest of the values that it stands for, and how many these
// are. Without `low` and `high` each point is one value. The colour is a property of CSS, such as
// "--series-1", or a function that returns a colour.

/** So many curves are told of at a place; of more, those nearest to the pointer. */
const mostTold = 10;

class LineChart {
  /**
   * @param options title; format: of values; formatX; log: whether the vertical axis is logarithmic;
   *   onZoom([from, to] or null); onPoint(x or null): where a reader points; onNearest(series or null):
   *   the curve that the pointer is at; marks: [{x, label}], places to be seen; limit: values above it
   *   leave the picture at its top.
   */
  constructor(options) {
    this.options = { format: formatNumber, formatX: formatCount, log: false, ...options };
    this.series = [];
    this.span = 0;
    this.range = null;
    this.pointed = null;
    this.isPointedHere = false;
    this.selection = null;
    this.pointerY = null;
    this.hot = null;
    this.dimmed = new Set();
    this.element = element("div", "card chart");
    this.heading = element("h3");
    this.heading.append(element("span", "", options.title));
    this.now = element("span", "now");
    this.logButton = element("button", "log", "log");
    this.logButton.type = "button";
    this.logButton.setAttribute("aria-label", `logarithmic axis of ${options.title}`);
    this.logButton.addEventListener("click", () => this.setLog(!this.options.log));
    this.heading.append(this.now, this.logButton);
    this.canvas = element("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.element.append(this.heading, this.canvas, this.tip);
    this.setLog(this.options.log);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Shows series; `range` [from, to] of x or null for all, `span` of the smoothing, 0 for none. */
  show(series, range, span) {
    this.series = series.map(one => ({
      ...one, smooth: span > 1 ? smoothed(one, span, one.earlier) : null,
    }));
    [this.range, this.span] = [range, span];
    this.canvas.setAttribute("aria-label", this.description());
    this.now.textContent = series.length === 1 ? this.last(this.series[0]) : "";
    this.draw();
  }

  /** Draws a curve above the others, by its name, or none. */
  emphasize(name) {
    if (this.hot === name) return;
    this.hot = name;
    this.draw();
  }

  /** Leaves little of these curves, by their names. */
  dim(names) {
    this.dimmed = names;
    this.draw();
  }

  setLog(isOn) {
    this.options.log = isOn;
    this.logButton.setAttribute("aria-pressed", String(isOn));
    this.draw();
  }

  last(series) {
    const place = series.mean.findLastIndex(value => value !== null);
    return place < 0 ? "" : this.options.format(series.mean[place]);
  }

  description() {
    const values = this.series.slice(0, 8).map(series => `${series.name} ${this.last(series)}`);
    return `${this.options.title}, last values: ${values.join(", ")}. Arrow keys ask for values.`;
  }

  // Geometry

  bounds() {
    let [left, right] = this.range ?? [Infinity, -Infinity];
    if (!this.range) {
      for (const { x } of this.series) {
        if (!x.length) continue;
        left = Math.min(left, x[0]);
        right = Math.max(right, x[x.length - 1]);
      }
    }
    if (!(left <= right)) return null;
    if (left === right) [left, right] = [left - 1, right + 1];
    let [low, high] = [Infinity, -Infinity];
    for (const series of this.series) {
      const [first, end] = [lowerBound(series.x, left), lowerBound(series.x, right)];
      for (let index = Math.max(0, first); index <= Math.min(end, series.x.length - 1); index += 1) {
        if (series.x[index] < left || series.x[index] > right) continue;
        const [bottom, top] = [series.low?.[index] ?? series.mean[index], series.high?.[index] ?? series.mean[index]];
        if (bottom === null || top === null) continue;
        if (!this.options.log || bottom > 0) low = Math.min(low, bottom);
        if (!this.options.log || top > 0) high = Math.max(high, top);
      }
    }
    if (!(low <= high)) return null;
    high = Math.max(low, Math.min(high, this.options.limit ?? Infinity));
    if (this.options.log) {
      if (low === high) [low, high] = [low / 1.5, high * 1.5];
      const room = (high / low) ** 0.05;
      return { left, right, low: low / room, high: high * room };
    }
    const room = high > low ? 0.05 * (high - low) : Math.abs(high) * 0.1 || 1;
    // What is never negative has no axis below zero.
    return { left, right, low: low >= 0 ? Math.max(0, low - room) : low - room, high: high + room };
  }

  prepare() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const bounds = this.bounds();
    if (!bounds || !width) return null;
    const scale = this.options.log ? Math.log : Number;
    const rows = Math.max(2, Math.floor(height / 42));
    const ticks = (this.options.log ? logarithmicTicks : linearTicks)(bounds.low, bounds.high, rows);
    const labels = ticks.map(tick => this.options.format(tick));
    const margin = Math.ceil(Math.max(...labels.map(label => context.measureText(label).width))) + 10;
    const area = { left: margin, right: width - 8, top: 6, bottom: height - 22 };
    const [low, high] = [scale(bounds.low), scale(bounds.high)];
    this.toX = x => area.left + (x - bounds.left) / (bounds.right - bounds.left) * (area.right - area.left);
    this.fromX = pixel => bounds.left + (pixel - area.left) / (area.right - area.left) * (bounds.right - bounds.left);
    this.toY = y => area.bottom - (scale(y) - low) / (high - low) * (area.bottom - area.top);
    return { context, area, bounds, ticks, labels };
  }

  // Drawing

  draw() {
    const prepared = this.prepare();
    this.area = prepared?.area ?? null;
    if (!prepared) {
      this.tip.hidden = true;
      return;
    }
    const { context, area, bounds } = prepared;
    const style = getComputedStyle(document.documentElement);
    this.drawAxes(prepared, style);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top - 4, area.right - area.left, area.bottom - area.top + 8);
    context.clip();
    this.drawMarks(context, area, style);
    const last = this.series.filter(series => series.name === this.hot);
    for (const series of [...this.series.filter(series => series.name !== this.hot), ...last]) {
      paintSeries(this, context, series, bounds, this.colorOf(series, style));
    }
    if (this.selection) {
      const [from, to] = this.selection;
      context.fillStyle = style.getPropertyValue("--accent");
      context.globalAlpha = 0.15;
      context.fillRect(Math.min(from, to), area.top, Math.abs(to - from), area.bottom - area.top);
    }
    context.restore();
    this.drawPointed(context, area, style);
  }

  drawAxes({ context, area, bounds, ticks, labels }, style) {
    context.strokeStyle = style.getPropertyValue("--line");
    context.fillStyle = style.getPropertyValue("--muted");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    ticks.forEach((tick, index) => {
      const y = Math.round(this.toY(tick)) + 0.5;
      context.beginPath();
      context.moveTo(area.left, y);
      context.lineTo(area.right, y);
      context.stroke();
      context.fillText(labels[index], area.left - 6, y);
    });
    context.textBaseline = "top";
    context.textAlign = "center";
    const count = Math.max(2, Math.floor((area.right - area.left) / 90));
    for (const tick of linearTicks(bounds.left, bounds.right, count)) {
      const label = this.options.formatX(tick);
      const half = context.measureText(label).width / 2;
      const x = Math.min(Math.max(this.toX(tick), half + 2), area.right + 6 - half);
      context.fillText(label, x, area.bottom + 6);
    }
  }

  colorOf({ color }, style) {
    return typeof color === "function" ? color() : style.getPropertyValue(color);
  }

  drawMarks(context, area, style) {
    context.strokeStyle = context.fillStyle = style.getPropertyValue("--series-2");
    context.textBaseline = "top";
    (this.options.marks ?? []).forEach(({ x: place, label }, index) => {
      const x = Math.round(this.toX(place)) + 0.5;
      const isRight = x + 6 + context.measureText(label).width < area.right;
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(x, area.top);
      context.lineTo(x, area.bottom);
      context.stroke();
      context.setLineDash([]);
      context.textAlign = isRight ? "left" : "right";
      context.fillText(label, x + (isRight ? 5 : -5), area.top + 2 + 16 * index);
    });
  }

  // Pointing

  /** What each series has nearest to a place. */
  valuesAt(x) {
    return this.series.flatMap(series => {
      const index = nearest(series.x, x);
      if (index < 0 || series.mean[index] === null) return [];
      const outside = x < series.x[0] || x > series.x[series.x.length - 1];
      const distance = Math.abs(this.toX(series.x[index]) - this.toX(x));
      return outside && distance > 12 ? [] : [{ series, index }];
    });
  }

  /** Points at a place of x, from here or from another chart; null ends it. */
  point(x, isHere = false) {
    [this.pointed, this.isPointedHere] = [x, isHere];
    this.draw();
  }

  /** How far a value is from the pointer, in pixels. */
  distance({ series, index }) {
    return Math.abs(this.toY((series.smooth ?? series.mean)[index]) - (this.pointerY ?? 0));
  }

  drawPointed(context, area, style) {
    let values = this.pointed === null ? [] : this.valuesAt(this.pointed);
    if (values.length > mostTold) {
      const near = [...values].sort((one, other) => this.distance(one) - this.distance(other));
      values = near.slice(0, mostTold);
    }
    this.tip.hidden = !this.isPointedHere || values.length === 0;
    if (values.length === 0) return;
    const nearestX = values[0].series.x[values[0].index];
    const x = this.toX(nearestX);
    if (x < area.left - 1 || x > area.right + 1) { this.tip.hidden = true; return; }
    context.strokeStyle = style.getPropertyValue("--muted");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, area.top);
    context.lineTo(Math.round(x) + 0.5, area.bottom);
    context.stroke();
    for (const { series, index } of values) {
      const value = series.smooth?.[index] ?? series.mean[index];
      if (this.options.log && !(value > 0)) continue;
      context.fillStyle = this.colorOf(series, style);
      context.beginPath();
      context.arc(this.toX(series.x[index]), this.toY(value), 3.5, 0, 7);
      context.fill();
    }
    if (this.isPointedHere) this.fillTip(values, x, style);
  }

  fillTip(values, x, style) {
    const rows = values.map(({ series, index }) => {
      const row = element("div", "row");
      const swatch = element("span", "swatch");
      swatch.style.background = this.colorOf(series, style);
      const count = series.counts?.[index] ?? 1;
      const text = this.options.format((series.smooth ?? series.mean)[index]);
      const { format } = this.options;
      let remark = "";
      if (series.smooth) remark = `here ${format(series.mean[index])}`;
      else if (count > 1 && series.low) remark = `${format(series.low[index])} … ${format(series.high[index])}`;
      row.append(swatch, element("span", "name", series.name), element("span", "value", text),
        element("span", "remark", remark));
      return row;
    });
    const { series, index } = values[0];
    this.tip.replaceChildren(element("div", "muted", this.options.describe?.(series, index) ?? ""), ...rows);
    this.tip.hidden = false;
    const width = this.element.clientWidth;
    const left = this.canvas.offsetLeft + x + 12;
    this.tip.style.left = `${left + this.tip.offsetWidth > width ? Math.max(4, left - 24 - this.tip.offsetWidth) : left}px`;
    this.tip.style.top = `${this.canvas.offsetTop + 8}px`;
  }

  listen() {
    const { canvas, options } = this;
    const place = event => event.clientX - canvas.getBoundingClientRect().left;
    const clamp = pixel => Math.min(Math.max(pixel, this.area.left), this.area.right);
    let start = null;
    canvas.addEventListener("pointerdown", event => {
      if (!this.area || event.button !== 0) return;
      start = clamp(place(event));
      // A drag goes on beside the canvas; what scripts make up can not be captured.
      if (event.isTrusted) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      if (!this.area) return;
      if (start !== null && Math.abs(place(event) - start) > 4) this.selection = [start, clamp(place(event))];
      this.pointerY = event.clientY - canvas.getBoundingClientRect().top;
      options.onPoint?.(this.fromX(clamp(place(event))), this);
      this.tellNearest();
    });
    const release = event => {
      const { selection } = this;
      [start, this.selection] = [null, null];
      if (selection && event.type === "pointerup" && Math.abs(selection[1] - selection[0]) > 6) {
        options.onZoom?.(selection.map(this.fromX).sort((one, other) => one - other));
      }
      this.draw();
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => {
      if (start !== null) return;
      options.onPoint?.(null, this);
      options.onNearest?.(null);
    });
    canvas.addEventListener("blur", () => options.onPoint?.(null, this));
    canvas.addEventListener("dblclick", () => options.onZoom?.(null));
    canvas.addEventListener("keydown", event => this.press(event));
  }

  tellNearest() {
    if (!this.options.onNearest || this.pointed === null) return;
    const [best] = this.valuesAt(this.pointed).sort((one, other) => this.distance(one) - this.distance(other));
    this.options.onNearest(best && this.distance(best) < 24 ? best.series : null);
  }

  press(event) {
    const { series } = this;
    if (event.key === "Escape") this.options.onPoint?.(null, this);
    if (event.key === "Home") this.options.onZoom?.(null);
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    const longest = series.reduce((best, one) => one.x.length > (best?.x.length ?? 0) ? one : best, null);
    if (!steps || !longest) return;
    event.preventDefault();
    const from = this.pointed === null ? longest.x.length - 1 - Math.min(0, steps) : nearest(longest.x, this.pointed);
    const index = Math.min(Math.max(from + steps, 0), longest.x.length - 1);
    this.options.onPoint?.(longest.x[index], this);
  }
}
