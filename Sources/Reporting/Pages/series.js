// The curve of one series: its line, smoothed or not, and what its points stand for.

/**
 * Exponential means, as if each point had come `counts` times: the weight of a value falls by 1 - 1/span
 * with each one that follows, and the first ones are means of few (bias correction).
 */
function smoothed(series, span, earlier = null) {
  let [sum, weight] = [0, 0];
  const take = (mean, count) => {
    if (mean === null) return;
    const kept = (1 - 1 / span) ** count;
    sum = kept * sum + (1 - kept) * mean;
    weight = kept * weight + (1 - kept);
  };
  if (earlier) {
    const end = series.x.length ? lowerBound(earlier.x, series.x[0]) : 0;
    for (let index = 0; index < end; index += 1) take(earlier.mean[index], earlier.counts?.[index] ?? 1);
  }
  return series.mean.map((mean, index) => {
    take(mean, series.counts?.[index] ?? 1);
    return mean === null || weight === 0 ? null : sum / weight;
  });
}

/** Draws one series of a `LineChart`, which knows where things are. */
function paintSeries(chart, context, series, bounds, color) {
  const isHot = series.name === chart.hot;
  const strength = isHot ? 1 : chart.dimmed.has(series.name) ? 0.08 : series.opacity ?? 1;
  // One more to either side, so that lines leave the picture at its edges.
  const first = Math.max(0, lowerBound(series.x, bounds.left) - 1);
  const end = Math.min(series.x.length, lowerBound(series.x, bounds.right) + 2);
  const isDrawn = value => value !== null && value !== undefined && (!chart.options.log || value > 0);
  const line = values => {
    context.beginPath();
    let isOpen = false;
    for (let index = first; index < end; index += 1) {
      if (!isDrawn(values[index])) { isOpen = false; continue; }
      const [x, y] = [chart.toX(series.x[index]), chart.toY(values[index])];
      if (isOpen) context.lineTo(x, y); else context.moveTo(x, y);
      isOpen = true;
    }
    context.stroke();
  };
  [context.strokeStyle, context.fillStyle] = [color, color];
  context.lineJoin = "round";
  const faint = strength * (series.smooth ? 0.28 : 1);
  const gap = (chart.toX(series.x[end - 1]) - chart.toX(series.x[first])) / Math.max(1, end - first - 1);
  if (series.low && gap > 3) {
    paintBand(chart, context, series, first, end, 0.18 * strength);
  } else if (series.low) {
    // The strokes from the lowest to the highest: no peak is lost.
    context.globalAlpha = strength * (series.smooth ? 0.18 : 0.4);
    context.lineWidth = 1;
    context.beginPath();
    for (let index = first; index < end; index += 1) {
      if (!isDrawn(series.high[index])) continue;
      const low = isDrawn(series.low[index]) ? chart.toY(series.low[index]) : chart.canvas.clientHeight;
      const x = chart.toX(series.x[index]);
      context.moveTo(x, low + 0.5);
      context.lineTo(x, chart.toY(series.high[index]) - 0.5);
    }
    context.stroke();
  }
  context.globalAlpha = faint;
  const width = isHot ? 3 : series.width ?? 1.6;
  context.lineWidth = series.smooth ? 1 : width;
  context.setLineDash(series.dash ?? []);
  line(series.mean);
  context.globalAlpha = strength;
  if (series.smooth) {
    context.lineWidth = Math.max(2, width);
    line(series.smooth);
  }
  context.setLineDash([]);
  if (end - first <= 40) {
    context.globalAlpha = faint;
    for (let index = first; index < end; index += 1) {
      if (!isDrawn(series.mean[index])) continue;
      context.beginPath();
      context.arc(chart.toX(series.x[index]), chart.toY(series.mean[index]), 2.6, 0, 7);
      context.fill();
    }
  }
  context.globalAlpha = 1;
}

/** The area between the lowest and the highest values of points that are apart from each other. */
function paintBand(chart, context, series, first, end, alpha) {
  const places = [];
  for (let index = first; index < end; index += 1) {
    if (series.low[index] === null || (chart.options.log && !(series.high[index] > 0))) continue;
    const floor = chart.options.log && !(series.low[index] > 0);
    const low = floor ? chart.canvas.clientHeight : chart.toY(series.low[index]);
    places.push({ x: chart.toX(series.x[index]), low, high: chart.toY(series.high[index]) });
  }
  context.globalAlpha = alpha;
  context.beginPath();
  for (const { x, high } of places) context.lineTo(x, high);
  for (const { x, low } of places.reverse()) context.lineTo(x, low);
  context.fill();
}
