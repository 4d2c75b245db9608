"use strict";
// While it is read the page shows only the first rows of a long table.
document.documentElement.className = "reading";
document.addEventListener("DOMContentLoaded", function () {
var many = 200, limit = many;
var table = document.getElementById("table"), form = document.getElementById("filter");
var status = document.getElementById("matches"), more = document.getElementById("more");

function text(cell) { return cell ? cell.textContent.trim() : ""; }

// What a cell sorts by: a number, a time span, or words.
function key(cell) {
  var s = text(cell).replace(/,/g, "").replace("\u2212", "-");
  var m = /^[+-]?\d+(\.\d+)?([mhd]?)$/.exec(s);
  if (!m) return s === "" ? null : s.toLowerCase();
  return parseFloat(s) * ({ m: 1, h: 60, d: 1440 }[m[2]] || 1);
}

function compare(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function sort(of, head, column) {
  var down = head.getAttribute("aria-sort") === "ascending";
  of.querySelectorAll("th[aria-sort]").forEach(function (h) { h.removeAttribute("aria-sort"); });
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  var body = of.tBodies[0];
  var rows = Array.from(body.rows).map(function (row, i) { return { row: row, key: key(row.cells[column]), i: i }; });
  rows.sort(function (a, b) {
    var c = compare(a.key, b.key);
    if (down && a.key !== null && b.key !== null) c = -c;
    return c || a.i - b.i;
  });
  body.append.apply(body, rows.map(function (r) { return r.row; }));
  if (of === table) show();
}

document.querySelectorAll("table.sort").forEach(function (of) {
  Array.from(of.tHead.rows[0].cells).forEach(function (head, column) {
    if (head.tagName !== "TH") return;
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.append(button);
    button.addEventListener("click", function () { sort(of, head, column); });
  });
});

var read = new Map();

function about(row) {
  var a = read.get(row);
  if (!a) {
    var c = row.cells, link = c[0].firstChild;
    a = {
      text: (row.textContent + " " + (row.dataset.g || "")).toLowerCase(),
      kind: text(link), state: text(c[3]), verdict: text(c[4]), institution: text(c[5]), fresh: row.className === "fresh"
    };
    read.set(row, a);
  }
  return a;
}

function show() {
  var f = form.elements, want = f.text.value.trim().toLowerCase();
  var fields = ["kind", "state", "verdict", "institution"].filter(function (n) { return f[n].value !== ""; });
  var rows = table.tBodies[0].rows, found = 0, any = want || fields.length || f.fresh.checked;
  for (var i = 0; i < rows.length; i++) {
    var fits = true;
    if (any) {
      var a = about(rows[i]);
      fits = (!want || a.text.indexOf(want) >= 0) && (!f.fresh.checked || a.fresh) && fields.every(function (n) { return a[n] === f[n].value; });
    }
    if (fits) found++;
    var hide = !fits || found > limit;
    if (rows[i].hidden !== hide) rows[i].hidden = hide;
  }
  var shown = Math.min(found, limit);
  var says = any ? found + " of " + rows.length + (rows.length === 1 ? " finding" : " findings") + (found === 1 ? " matches" : " match") : rows.length + (rows.length === 1 ? " finding" : " findings");
  if (shown < found) says += ", the first " + shown + " are shown";
  if (status.textContent !== says) status.textContent = says;
  more.hidden = shown >= found;
  more.textContent = "Show all " + found;
}

if (table && form) {
  form.hidden = false;
  form.addEventListener("submit", function (e) { e.preventDefault(); });
  form.addEventListener("input", function () { limit = many; show(); });
  form.addEventListener("reset", function () { limit = many; setTimeout(show); });
  more.addEventListener("click", function () { limit = Infinity; show(); });
  document.querySelectorAll("a[data-kind], a[data-institution]").forEach(function (a) {
    a.addEventListener("click", function () {
      form.reset();
      ["kind", "institution"].forEach(function (n) { if (n in a.dataset) form.elements[n].value = a.dataset[n]; });
      show();
    });
  });
  window.addEventListener("beforeprint", function () { limit = Infinity; show(); });
  window.addEventListener("afterprint", function () { limit = many; show(); });
  show();
}

// Details are printed if they are open: for that time those in a ticket are.
var folds = document.getElementById("folds"), opened = [];
function all(which) { return Array.from(document.querySelectorAll("#details>details" + which)); }
if (folds) {
  folds.hidden = false;
  folds.children[0].addEventListener("click", function () { all("").forEach(function (d) { d.open = true; }); });
  folds.children[1].addEventListener("click", function () { all("").forEach(function (d) { d.open = false; }); });
  window.addEventListener("beforeprint", function () {
    opened = opened.concat(all(".ticketed:not([open])"));
    opened.forEach(function (d) { d.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (d) { d.open = false; });
    opened = [];
  });
}

function reveal() {
  var id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch (e) { return; }
  var at = id && document.getElementById(id);
  var section = at && at.closest("details");
  if (!section) return;
  section.open = true;
  section.scrollIntoView();
  at.focus({ preventScroll: true });
}

// The newest nights, at the right, matter most.
document.addEventListener("toggle", function (e) {
  if (!e.target.open) return;
  e.target.querySelectorAll(".wide").forEach(function (w) { if (w.querySelector(".grid")) w.scrollLeft = w.scrollWidth; });
}, true);

window.addEventListener("hashchange", reveal);
document.addEventListener("click", function (e) {
  var a = e.target.closest && e.target.closest("a[href^='#F-']");
  if (a && a.hash === location.hash) reveal();
});
reveal();
document.documentElement.className = "";
});
