// Draws what page.rs has put into #data. The view is in the address (#search=..&from=..&to=..&low=..&high=..&by=..), so
// that a link shows it. What was drawn where is in #drawn, and whether all went well in <html data-status>.
"use strict";
const root = document.documentElement;
addEventListener("error", event => { root.dataset.status = "error: " + event.message; });

const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const text = number => data.texts[number];
const touches = data.touches.map((t, number) => ({
  number, time: t[0] / 1000, cost: t[1], lane: t[2], ahead: t[3], address: t[4], start: t[5], end: t[6],
  object: text(t[7]), section: text(t[8]), offset: t[9], name: text(t[10]),
}));
const extents = data.extents.map(e => ({ start: e[0], end: e[1], object: text(e[2]) }));
const hex = offset => "0x" + (data.base + offset).toString(16);
const short = object => object.replace(/^[^(]*\//, "");
const ms = value => value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);

// All lazy regions one behind the other, in units: what the map shows.
let cellCount = 0;
const regions = data.regions.map(([start, end, kind]) => {
  const first = cellCount;
  cellCount += Math.ceil((end - start) / data.unit);
  return { start, end, kind, first, count: cellCount - first };
});
function cellOf(offset) {
  const region = regions.find(r => offset >= r.start && offset < r.end);
  return region ? region.first + Math.floor((offset - region.start) / data.unit) : -1;
}
function offsetOf(cell) {
  const region = regions.find(r => cell < r.first + r.count) || regions[regions.length - 1];
  return region.start + (cell - region.first) * data.unit;
}
for (const touch of touches) touch.cell = cellOf(touch.start);
const ofCell = new Map();
for (const touch of touches) {
  if (!ofCell.has(touch.cell)) ofCell.set(touch.cell, []);
  ofCell.get(touch.cell).push(touch);
}
const aheadCount = touches.filter(touch => touch.ahead).length;
let firstTime = Infinity, lastTime = 0, mostCost = 1;
for (const touch of touches) {
  firstTime = Math.min(firstTime, touch.time);
  lastTime = Math.max(lastTime, touch.time + touch.cost / 1000);
  mostCost = Math.max(mostCost, touch.cost);
}
const margin = Math.max((lastTime - firstTime) * 0.02, 0.001);
const whole = touches.length
  ? { from: Math.max(0, Math.min(firstTime, data.handover / 1000) - margin), to: lastTime + margin }
  : { from: 0, to: 1 };

// --- the view, and its form as an address ---------------------------------------------------------------------------
const view = { search: "", colour: "time", by: "object", sort: "", theme: "", ...whole, low: 0, high: cellCount };
function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  const number = (name, otherwise) => {
    const value = parseFloat(words.get(name));
    return Number.isFinite(value) ? value : otherwise;
  };
  const cell = (name, otherwise) => {
    const address = parseInt(words.get(name), 16);
    if (!Number.isFinite(address)) return otherwise;
    const found = cellOf(address - data.base);
    return found >= 0 ? found : otherwise;
  };
  view.search = words.get("search") || "";
  view.colour = ["time", "cost", "thread"].includes(words.get("colour")) ? words.get("colour") : "time";
  view.by = kinds[words.get("by")] ? words.get("by") : "object";
  view.sort = words.get("sort") || "";
  view.theme = words.get("theme") || "";
  view.from = number("from", whole.from);
  view.to = Math.max(number("to", whole.to), view.from + 1e-4);
  view.low = cell("low", 0);
  view.high = Math.max(cell("high", cellCount - 1) + 1, view.low + 1);
}
function writeHash() {
  const words = new URLSearchParams();
  const put = (name, value, usual) => { if (value !== usual) words.set(name, value); };
  put("search", view.search, "");
  put("colour", view.colour, "time");
  put("by", view.by, "object");
  put("sort", view.sort, "");
  put("theme", view.theme, "");
  put("from", view.from.toFixed(4), whole.from.toFixed(4));
  put("to", view.to.toFixed(4), whole.to.toFixed(4));
  if (view.low !== 0 || view.high !== cellCount) {
    words.set("low", hex(offsetOf(view.low)));
    words.set("high", hex(offsetOf(view.high - 1)));
  }
  try { history.replaceState(null, "", "#" + words); } catch (error) { /* a page in a frame may not */ }
}

// --- colours --------------------------------------------------------------------------------------------------------
let paint = {};
function readColours() {
  const isDark = view.theme ? view.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "dark" : "light";
  byId("theme").textContent = isDark ? "light" : "dark";
  const style = getComputedStyle(root);
  const one = name => style.getPropertyValue("--" + name).trim();
  const list = name => one(name).split(",").map(colour => colour.trim());
  paint = { line: one("line"), text: one("text"), faint: one("faint"), card: one("card"), cell: one("cell"),
    frames: one("cell-frames"), match: one("match"), soft: one("match-soft"), ahead: one("ahead"), vain: one("vain"),
    ramp: list("ramp").map(rgb), threads: list("threads") };
}
const rgb = colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
function along(ramp, share) {
  const at = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(at), ramp.length - 2);
  const mix = ramp[low].map((value, i) => Math.round(value + (ramp[low + 1][i] - value) * (at - low)));
  return "#" + mix.map(value => value.toString(16).padStart(2, "0")).join("");
}
function colourOf(touch) {
  if (found.size && found.has(touch)) return paint.match;
  if (view.colour === "thread") return touch.ahead ? paint.ahead : paint.threads[touch.lane % paint.threads.length];
  if (touch.ahead) return touch.ahead > 1 ? paint.vain : paint.ahead;
  if (view.colour === "cost") return along(paint.ramp, Math.log1p(touch.cost) / Math.log1p(mostCost));
  return along(paint.ramp, (touch.time - firstTime) / Math.max(lastTime - firstTime, 1e-6));
}

// --- search ---------------------------------------------------------------------------------------------------------
let found = new Set(), foundCells = new Set();
function search() {
  found = new Set();
  foundCells = new Set();
  const wanted = view.search.trim().toLowerCase();
  if (wanted) {
    const address = /^0x[0-9a-f]+$/.test(wanted) ? parseInt(wanted, 16) - data.base : NaN;
    const has = name => name.toLowerCase().includes(wanted);
    for (const touch of touches) {
      const at = address >= touch.start && address < touch.end;
      if (at || has(touch.name) || has(touch.object) || has(touch.section) || has(data.lanes[touch.lane])) found.add(touch);
    }
    for (const extent of extents) {
      if (!has(extent.object) && !(address >= extent.start && address < extent.end)) continue;
      const last = cellOf(extent.end - 1);
      for (let cell = cellOf(extent.start); cell >= 0 && cell <= last; cell++) foundCells.add(cell);
    }
  }
  const objects = new Set([...found].map(touch => touch.object)).size;
  const plural = (count, what) => count + " " + (count === 1 ? { touches: "touch", objects: "object" }[what] : what);
  byId("hits").textContent = wanted ? plural(found.size, "touches") + " in " + plural(objects, "objects")
    : plural(touches.length - aheadCount, "touches") + (aheadCount ? `, ${aheadCount} brought ahead` : "");
  root.dataset.hits = found.size;
}

// --- drawing --------------------------------------------------------------------------------------------------------
const drawn = { timeline: {}, map: {} };
function prepare(canvas, height) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  return [context, width];
}
function fitted(context, label, width) {
  if (context.measureText(label).width <= width) return label;
  while (label && context.measureText(label + "\u2026").width > width) label = label.slice(0, -1);
  return label ? label + "\u2026" : "";
}

const GUTTER = 112, SCATTER = 210, LANE = 17, MOST_LANES = 12;
const laneCount = Math.min(data.lanes.length, MOST_LANES);
let timelineMarks = [];
function drawTimeline() {
  const canvas = byId("timeline");
  const lanesTop = SCATTER + 10, axis = lanesTop + laneCount * LANE + 4;
  const [context, width] = prepare(canvas, axis + 20);
  const right = width - 6, span = view.to - view.from;
  const x = time => GUTTER + (time - view.from) / span * (right - GUTTER);
  // Grid and axis.
  const rough = span / Math.max((right - GUTTER) / 110, 1), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  context.textAlign = "center";
  for (let tick = Math.ceil(view.from / step) * step; tick <= view.to; tick += step) {
    context.fillStyle = paint.line;
    context.fillRect(Math.round(x(tick)), 0, 1, axis);
    const label = tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9))) + " ms";
    const half = context.measureText(label).width / 2;
    context.fillStyle = paint.faint;
    if (x(tick) - half > GUTTER - 20) context.fillText(label, Math.min(x(tick), right - half), axis + 11);
  }
  context.fillStyle = paint.line;
  context.fillRect(GUTTER, lanesTop - 5, right - GUTTER, 1);
  // Addresses.
  context.textAlign = "left";
  for (const region of regions) {
    const top = region.first / cellCount * SCATTER, height = region.count / cellCount * SCATTER;
    context.fillStyle = paint.faint;
    if (height >= 12) context.fillText(fitted(context, region.kind, GUTTER - 8), 0, top + Math.min(height / 2, 10));
    context.fillStyle = paint.line;
    if (region.first) context.fillRect(0, Math.round(top), right, 1);
  }
  for (let lane = 0; lane < laneCount; lane++) {
    const more = lane === MOST_LANES - 1 && data.lanes.length > MOST_LANES;
    const label = more ? "others" : data.lanes[lane];
    context.fillStyle = paint.faint;
    context.fillText(fitted(context, label, GUTTER - 8), 0, lanesTop + lane * LANE + LANE / 2);
  }
  const start = x(data.handover / 1000);
  if (start >= GUTTER && start <= right) {
    context.strokeStyle = paint.faint;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(start, 0);
    context.lineTo(start, axis);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = paint.faint;
    const label = "program starts", room = context.measureText(label).width + 8;
    context.fillText(label, start + room > right ? start - room : start + 4, SCATTER - 4);
  }
  // Touches; those that were searched for in front.
  timelineMarks = [];
  const order = found.size ? [...touches].sort((a, b) => found.has(a) - found.has(b)) : touches;
  const dot = touches.length > 3000 ? 2 : touches.length > 300 ? 3 : 5;
  for (const touch of order) {
    if (touch.time + touch.cost / 1000 < view.from || touch.time > view.to) continue;
    const left = Math.max(x(touch.time), GUTTER), end = Math.min(x(touch.time + touch.cost / 1000), right);
    const isFound = found.has(touch), size = isFound ? dot + 2 : dot;
    const colour = colourOf(touch), high = Math.max(end - left, 1);
    const y = Math.min((touch.cell + 0.5) / cellCount * SCATTER, SCATTER - size / 2) - size / 2;
    context.globalAlpha = found.size && !isFound ? 0.28 : 1;
    context.fillStyle = colour;
    const mark = { touch, colour, x: Math.min(left, right - size), y: Math.max(y, 0), w: Math.max(high, size), h: size };
    mark.w = Math.min(mark.w, right - mark.x);
    context.fillRect(mark.x, mark.y, mark.w, mark.h);
    const lane = Math.min(touch.lane, laneCount - 1);
    context.fillRect(Math.min(left, right - 1), lanesTop + lane * LANE + 2, high, LANE - 4);
    timelineMarks.push(mark);
  }
  context.globalAlpha = 1;
  drawn.timeline = { marks: timelineMarks.length };
}

const MAP = 300;
let grid = null;
function drawMap() {
  const canvas = byId("map"), count = view.high - view.low;
  const [context, width] = prepare(canvas, MAP);
  // Few cells are broad, so that names fit in.
  const aspect = count <= 80 ? 5 : count <= 400 ? 2.5 : 1;
  const shape = size => [Math.max(1, Math.floor(width / (size * aspect))), Math.max(1, Math.floor(MAP / size))];
  let size = Math.min(64, Math.floor(Math.sqrt(width * MAP / aspect / count)) + 1);
  const per = size < 3 ? Math.ceil(count / (Math.floor(width / 2) * Math.floor(MAP / 2))) : 1;
  const cells = Math.ceil(count / per);
  while (size > 2 && shape(size)[0] * shape(size)[1] < cells) size -= size > 12 ? 0.5 : 0.25;
  size = Math.max(size, 2);
  const columns = shape(size)[0], wide = width / columns, gap = size >= 6 ? 1 : 0;
  const rows = Math.ceil(cells / columns);
  grid = { columns, wide, size, per, cells, rows };
  const marks = [];
  for (let index = 0; index < cells; index++) {
    const first = view.low + index * per;
    let best = null, hit = false;
    for (let cell = first; cell < Math.min(first + per, view.high); cell++) {
      for (const touch of ofCell.get(cell) || []) if (!best || found.has(touch) && !found.has(best)) best = touch;
      hit = hit || foundCells.has(cell);
    }
    const x = (index % columns) * wide, y = Math.floor(index / columns) * size;
    const isFrames = regions.some(r => r.kind !== "code" && first >= r.first && first < r.first + r.count);
    const isFound = best && found.has(best);
    const colour = best ? colourOf(best) : hit ? paint.soft : isFrames ? paint.frames : paint.cell;
    context.globalAlpha = found.size && best && !isFound ? 0.4 : 1;
    context.fillStyle = colour;
    const w = Math.max(wide - gap, 1), h = Math.max(size - gap, 1);
    context.fillRect(x, y, w, h);
    if (best) marks.push({ touch: best, colour, x, y, w, h });
    if (best && wide >= 84 && size >= 14) {
      context.globalAlpha = 1;
      context.fillStyle = root.dataset.theme === "dark" ? "#0b0e11" : "#ffffff";
      context.fillText(fitted(context, best.name || best.section, wide - 10), x + 5, y + size / 2);
    }
  }
  context.globalAlpha = 1;
  const inView = touches.filter(touch => touch.cell >= view.low && touch.cell < view.high).length;
  const what = data.unit === 4096 ? "pages" : "chunks of 16 pages";
  byId("range").textContent = `${hex(offsetOf(view.low))} to ${hex(offsetOf(view.high - 1) + data.unit)}: ${ofCellCount()} of `
    + `${count} ${what} touched; ${inView} touches. Wheel zooms, dragging moves.`;
  drawn.map = { marks: marks.length, cells, all: marks };
}
function ofCellCount() {
  let count = 0;
  for (const cell of ofCell.keys()) if (cell >= view.low && cell < view.high) count++;
  return count;
}
function drawLegend() {
  const swatch = (colour, label) => `<span><i style="background:${colour}"></i>${label}</span>`;
  const gradient = `linear-gradient(90deg, ${paint.ramp.map(c => `rgb(${c})`).join(",")})`;
  const parts = [];
  if (view.colour === "thread") {
    data.lanes.slice(0, paint.threads.length).forEach((name, lane) => {
      if (name !== "background") parts.push(swatch(paint.threads[lane % paint.threads.length], escape(name)));
    });
  } else {
    const ends = view.colour === "time" ? [ms(firstTime) + " ms", ms(lastTime) + " ms"] : ["0 us", mostCost.toFixed(0) + " us"];
    parts.push(`<span>${ends[0]} <i class="ramp" style="background:${gradient}"></i>${ends[1]}</span>`);
  }
  if (touches.some(touch => touch.ahead)) parts.push(swatch(paint.ahead, "brought ahead, in the background"));
  if (touches.some(touch => touch.ahead > 1)) parts.push(swatch(paint.vain, "in vain"));
  parts.push(swatch(paint.cell, "never touched"));
  if (view.search) parts.push(swatch(paint.match, "found"), swatch(paint.soft, "found, never touched"));
  byId("legend").innerHTML = parts.join("");
}
const escape = name => name.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`);

// --- table ----------------------------------------------------------------------------------------------------------
const columnOf = {
  touches: ["touches", row => row.touches, v => v],
  cost: ["us", row => row.cost, v => v.toFixed(1)],
  share: ["%", row => row.cost, v => (totalCost ? v * 100 / totalCost : 0).toFixed(1)],
  ahead: ["ahead", row => row.ahead, v => v || ""],
  first: ["first ms", row => row.first, v => ms(v)],
  at: ["at ms", row => row.first, v => v.toFixed(3)],
  object: ["object", row => row.object],
  section: ["section", row => row.section],
  name: ["function", row => row.name || row.section],
  thread: ["thread", row => row.thread],
};
const counted = ["touches", "cost", "share", "ahead", "first"];
const kinds = {
  object: { key: t => t.object, columns: [...counted, "object"] },
  section: { key: t => t.object + "\n" + t.section, columns: [...counted, "section", "object"] },
  function: { key: t => t.object + "\n" + t.section + "\n" + t.name, columns: [...counted, "name", "object"] },
  thread: { key: t => t.lane, columns: [...counted, "thread"] },
  time: { key: t => t.number, columns: ["at", "cost", "thread", "name", "section", "object"] },
};
const totalCost = touches.reduce((sum, touch) => sum + (touch.ahead ? 0 : touch.cost), 0);
const SHOWN = 100;
let shownRows = SHOWN;
function rowsOf(kind) {
  const rows = new Map();
  for (const touch of touches) {
    const key = kind.key(touch);
    let row = rows.get(key);
    if (!row) {
      row = { touches: 0, cost: 0, ahead: 0, first: touch.time, object: touch.object, section: touch.section,
        name: touch.name, thread: data.lanes[touch.lane], found: false };
      rows.set(key, row);
    }
    if (touch.ahead) row.ahead++; else { row.touches++; row.cost += touch.cost; }
    row.first = Math.min(row.first, touch.time);
    row.found = row.found || found.has(touch);
  }
  return [...rows.values()];
}
function drawTable() {
  const kind = kinds[view.by];
  const [sortBy, direction] = view.sort ? view.sort.split(".") : [view.by === "time" ? "at" : "cost", view.by === "time" ? "up" : "down"];
  const column = columnOf[sortBy] || columnOf.cost;
  let rows = rowsOf(kind);
  if (view.search.trim()) rows = rows.filter(row => row.found);
  const compare = (a, b) => typeof a === "string" ? a.localeCompare(b) : a - b;
  rows.sort((a, b) => compare(column[1](a), column[1](b)) * (direction === "up" ? 1 : -1));
  const isText = name => !columnOf[name][2];
  byId("columns").innerHTML = "<tr>" + kind.columns.map(name => {
    const sorted = name === sortBy ? ` aria-sort="${direction === "up" ? "ascending" : "descending"}"` : "";
    return `<th tabindex="0" class="${isText(name) ? "" : "n"}" data-column="${name}"${sorted}>${columnOf[name][0]}</th>`;
  }).join("") + "</tr>";
  const most = rows.reduce((most, row) => Math.max(most, row.cost), 0);
  byId("rows").innerHTML = rows.slice(0, shownRows).map(row => "<tr>" + kind.columns.map(name => {
    const [, value, form] = columnOf[name];
    if (!form) {
      const plain = value(row) || "";
      return `<td class="t" title="${escape(plain)}">${escape(name === "object" ? short(plain) : plain)}</td>`;
    }
    const bar = name === "share" && most ? `<span class="share" style="width:${(row.cost / most * 46).toFixed(0)}px"></span>` : "";
    return `<td class="n">${form(value(row))}${bar}</td>`;
  }).join("") + "</tr>").join("");
  byId("more").hidden = rows.length <= shownRows;
  byId("more").textContent = `show all ${rows.length}`;
  byId("tabs").innerHTML = Object.keys(kinds).map(name =>
    `<button type="button" data-by="${name}" aria-pressed="${name === view.by}">by ${name}</button>`).join("");
  root.dataset.rows = rows.length;
}

// --- all of it ------------------------------------------------------------------------------------------------------
function sample(marks) {
  const step = Math.max(1, Math.floor(marks.length / 150));
  return marks.filter((mark, number) => number % step === 0 || found.has(mark.touch)).slice(0, 400);
}
function report() {
  const place = (canvas, marks) => {
    const box = byId(canvas).getBoundingClientRect(), at = v => Math.round(v * 100) / 100;
    const left = box.left + scrollX, top = box.top + scrollY;
    return {
      box: [left, top, box.width, box.height].map(at),
      marks: sample(marks).map(m => ({ x: at(left + m.x), y: at(top + m.y), w: at(m.w), h: at(m.h),
        colour: found.size && !found.has(m.touch) ? null : m.colour, found: found.has(m.touch), name: m.touch.name })),
      count: marks.length,
    };
  };
  const summary = touches.length ? { timeline: place("timeline", timelineMarks), map: place("map", drawn.map.all) } : {};
  summary.view = { from: view.from, to: view.to, low: view.low, high: view.high };
  summary.page = { width: root.clientWidth, content: root.scrollWidth };
  summary.cells = cellCount;
  byId("drawn").textContent = JSON.stringify(summary).replace(/</g, "\\u003c");
  if (!(root.dataset.status || "").startsWith("error")) root.dataset.status = "ok";
}
function drawCharts() {
  if (touches.length) {
    drawTimeline();
    drawMap();
    drawLegend();
  }
}
function draw() {
  readColours();
  search();
  if (byId("search").value !== view.search) byId("search").value = view.search;
  byId("colour").value = view.colour;
  if (touches.length) drawTable();
  drawCharts();
  report();
}
let waiting = false;
let isTableOld = false;
function change(edit, chartsOnly) {
  edit();
  writeHash();
  isTableOld ||= !chartsOnly;
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    const all = isTableOld;
    waiting = isTableOld = false;
    if (all) draw(); else { drawCharts(); report(); }
  });
}

// --- hands ----------------------------------------------------------------------------------------------------------
function zoomTime(factor, around) {
  const span = Math.min(Math.max((view.to - view.from) * factor, 1e-3), (whole.to - whole.from) * 1.0);
  const share = (around - view.from) / (view.to - view.from);
  moveTime(around - share * span, span);
}
function moveTime(from, span) {
  view.from = Math.min(Math.max(from, whole.from), whole.to - span);
  view.to = view.from + span;
}
function zoomMap(factor, around) {
  const count = Math.min(Math.max(Math.round((view.high - view.low) * factor), Math.min(8, cellCount)), cellCount);
  const share = (around - view.low) / (view.high - view.low);
  moveMap(Math.round(around - share * count), count);
}
function moveMap(low, count) {
  view.low = Math.min(Math.max(low, 0), cellCount - count);
  view.high = view.low + count;
}
const timeAt = x => view.from + (x - GUTTER) / (byId("timeline").clientWidth - 6 - GUTTER) * (view.to - view.from);
function cellAt(x, y) {
  const index = Math.floor(y / grid.size) * grid.columns + Math.floor(x / grid.wide);
  return index >= 0 && index < grid.cells && x >= 0 && x < byId("map").clientWidth ? view.low + index * grid.per : -1;
}
const factorOf = event => Math.exp(Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 100) * 0.0025);

function nearest(x, y) {
  let best = null, least = 8 * 8;
  for (const mark of timelineMarks) {
    const dx = Math.max(mark.x - x, 0, x - mark.x - mark.w), dy = Math.max(mark.y - y, 0, y - mark.y - mark.h);
    if (dx * dx + dy * dy <= least) { least = dx * dx + dy * dy; best = mark.touch; }
  }
  return best;
}
function describe(touch) {
  const by = touch.ahead ? (touch.ahead > 1 ? "brought ahead, in vain" : "brought ahead") : "thread " + data.lanes[touch.lane];
  return `<b>${escape(touch.name || touch.section || "between sections")}</b>`
    + `<div>${escape(touch.object)}${touch.section ? `:(${escape(touch.section)}+0x${touch.offset.toString(16)})` : ""}</div>`
    + `<div>${touch.time.toFixed(3)} ms, ${touch.cost.toFixed(1)} us, ${escape(by)}, ${hex(touch.address)}</div>`;
}
function describeCell(cell) {
  const here = ofCell.get(cell) || [], start = offsetOf(cell), end = start + data.unit;
  const objects = [...new Set(extents.filter(e => e.start < end && start < e.end).map(e => short(e.object)))];
  const list = objects.slice(0, 6).map(escape).join("<br>") + (objects.length > 6 ? `<br>and ${objects.length - 6} more` : "");
  return here.slice(0, 3).map(describe).join("") + `<div>${hex(start)} to ${hex(end)}${here.length ? "" : ", never touched"}</div>`
    + `<div>${list}</div>`;
}
function tip(event, html) {
  const box = byId("tip");
  box.style.display = html ? "block" : "none";
  if (!html) return;
  box.innerHTML = html;
  const left = event.clientX + 16 + box.offsetWidth > innerWidth ? event.clientX - box.offsetWidth - 12 : event.clientX + 16;
  const top = event.clientY + 16 + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 12 : event.clientY + 16;
  box.style.left = Math.max(left, 4) + "px";
  box.style.top = Math.max(top, 4) + "px";
}
function hands(id, zoom, begin, drag, hover, click, keys) {
  const canvas = byId(id);
  let grabbed = null, moved = false;
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    tip(event, "");
    change(() => zoom(factorOf(event), event.offsetX, event.offsetY), true);
  }, { passive: false });
  canvas.addEventListener("pointerdown", event => {
    grabbed = { x: event.offsetX, y: event.offsetY, state: begin() };
    moved = false;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    if (!grabbed) return tip(event, hover(event.offsetX, event.offsetY));
    moved = moved || Math.abs(event.offsetX - grabbed.x) + Math.abs(event.offsetY - grabbed.y) > 3;
    if (!moved) return;
    canvas.classList.add("grabbed");
    tip(event, "");
    change(() => drag(event.offsetX - grabbed.x, event.offsetY - grabbed.y, grabbed.state), true);
  });
  canvas.addEventListener("pointerup", event => {
    if (grabbed && !moved) click(event.offsetX, event.offsetY);
    grabbed = null;
    canvas.classList.remove("grabbed");
  });
  canvas.addEventListener("pointerleave", event => tip(event, ""));
  canvas.addEventListener("keydown", event => {
    const move = keys[event.key];
    if (!move) return;
    event.preventDefault();
    change(move, true);
  });
}
const find = touch => touch && change(() => { view.search = touch.name || touch.object; });
const timeSpan = () => view.to - view.from, mapSpan = () => view.high - view.low;
hands("timeline",
  (factor, x) => zoomTime(factor, timeAt(x)),
  () => ({ from: view.from, span: timeSpan() }),
  (dx, dy, { from, span }) => moveTime(from - dx / (byId("timeline").clientWidth - 6 - GUTTER) * span, span),
  (x, y) => { const touch = nearest(x, y); return touch ? describe(touch) : ""; },
  (x, y) => find(nearest(x, y)),
  {
    "+": () => zoomTime(0.7, (view.from + view.to) / 2), "-": () => zoomTime(1.4, (view.from + view.to) / 2),
    ArrowLeft: () => moveTime(view.from - timeSpan() * 0.1, timeSpan()),
    ArrowRight: () => moveTime(view.from + timeSpan() * 0.1, timeSpan()),
    "0": () => Object.assign(view, whole),
  });
hands("map",
  (factor, x, y) => zoomMap(factor, Math.max(cellAt(x, y), view.low)),
  () => ({ low: view.low, count: mapSpan(), grid }),
  (dx, dy, { low, count, grid: g }) => moveMap(low - (Math.round(dy / g.size) * g.columns + Math.round(dx / g.wide)) * g.per, count),
  (x, y) => { const cell = cellAt(x, y); return cell >= 0 ? describeCell(cell) : ""; },
  (x, y) => find((ofCell.get(cellAt(x, y)) || [])[0]),
  {
    "+": () => zoomMap(0.7, (view.low + view.high) / 2), "-": () => zoomMap(1.4, (view.low + view.high) / 2),
    ArrowUp: () => moveMap(view.low - grid.columns * grid.per, mapSpan()),
    ArrowDown: () => moveMap(view.low + grid.columns * grid.per, mapSpan()),
    "0": () => { view.low = 0; view.high = cellCount; },
  });
byId("search").addEventListener("input", event => change(() => { view.search = event.target.value; }));
byId("colour").addEventListener("change", event => change(() => { view.colour = event.target.value; }));
byId("theme").addEventListener("click", () => change(() => { view.theme = root.dataset.theme === "dark" ? "light" : "dark"; }));
byId("reset").addEventListener("click", () => change(() => Object.assign(view, whole, { low: 0, high: cellCount })));
byId("startup").addEventListener("click", () => change(() => {
  const times = touches.map(touch => touch.time).sort((a, b) => a - b);
  const end = times[Math.floor((times.length - 1) * 0.9)];
  view.from = whole.from;
  view.to = Math.min(end + Math.max((end - whole.from) * 0.02, 0.001), whole.to);
}));
byId("tabs").addEventListener("click", event => {
  const by = event.target.dataset.by;
  if (by) change(() => { view.by = by; view.sort = ""; shownRows = SHOWN; });
});
function sort(event) {
  const name = event.target.dataset.column;
  if (!name || event.type === "keydown" && event.key !== "Enter") return;
  const isDown = event.target.getAttribute("aria-sort") === "descending";
  change(() => { view.sort = name + (isDown ? ".up" : ".down"); });
}
byId("columns").addEventListener("click", sort);
byId("columns").addEventListener("keydown", sort);
byId("rows").addEventListener("click", event => {
  if (String(getSelection())) return;
  const cells = [...event.target.closest("tr").querySelectorAll("td.t")].filter(cell => cell.title);
  if (cells.length) change(() => { view.search = cells[0].title; });
});
byId("more").addEventListener("click", () => change(() => { shownRows = Infinity; }));
addEventListener("keydown", event => {
  if (event.key === "/" && event.target.tagName !== "INPUT") {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key === "Escape" && view.search) change(() => { view.search = ""; });
});
addEventListener("resize", () => change(() => {}, true));
addEventListener("hashchange", () => { readHash(); draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

document.title = data.title + " - unfold profile";
byId("title").innerHTML = escape(data.title) + "<small>first touches</small>";
byId("head").innerHTML = data.head.map(line => `<p>${escape(line)}</p>`).join("");
if (!touches.length) {
  root.dataset.empty = "";
  byId("none").textContent = "Nothing to draw: " + data.head[1];
}
readHash();
draw();
