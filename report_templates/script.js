(function () {
  "use strict";
  var root = document.documentElement, table = document.getElementById("ranking");
  root.classList.add("js");
  var bodies = Array.prototype.slice.call(table.tBodies), heads = Array.prototype.slice.call(table.tHead.rows[0].cells);

  /* Sorting: numbers by data-v, with what has no number last in both directions; other text by name. */
  function key(body, col) {
    var td = body.rows[0].cells[col], v = td.getAttribute("data-v");
    if (!heads[col].classList.contains("num") && v === "") return td.textContent.trim().toLowerCase();
    return v === "inf" ? Infinity : v === "-inf" ? -Infinity : v === "" ? null : parseFloat(v);
  }
  function sort(col) {
    var th = heads[col], down = th.getAttribute("aria-sort") === "ascending";
    heads.forEach(function (h) { h.setAttribute("aria-sort", "none"); });
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    var list = bodies.map(function (b, i) { return { b: b, k: key(b, col), i: i }; });
    list.sort(function (x, y) {
      if (x.k === null || y.k === null) return (x.k === null) - (y.k === null) || x.i - y.i;
      var d = typeof x.k === "string" ? x.k.localeCompare(y.k, undefined, { numeric: true }) : x.k < y.k ? -1 : x.k > y.k ? 1 : 0;
      return (down ? -d : d) || x.i - y.i;
    });
    list.forEach(function (e) { table.appendChild(e.b); });
  }
  heads.forEach(function (th, col) {
    var button = document.createElement("button");
    button.type = "button";
    while (th.firstChild) button.appendChild(th.firstChild);
    th.appendChild(button);
    th.setAttribute("aria-sort", col === 0 ? "ascending" : "none");
    button.addEventListener("click", function () { sort(col); });
  });

  /* Unfolding a layer. */
  bodies.forEach(function (body, i) {
    var name = body.querySelector(".name"), button = document.createElement("button"), more = body.rows[1];
    more.id = "more-" + i;
    more.querySelector("details").open = true;
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", more.id);
    /* Long names break behind a slash rather than within a word. */
    name.textContent.split(/(?<=\/)(?=[^\/])/).forEach(function (part, k) {
      if (k) button.appendChild(document.createElement("wbr"));
      button.appendChild(document.createTextNode(part));
    });
    name.textContent = "";
    name.appendChild(button);
    body.rows[0].addEventListener("click", function (e) {
      if (String(window.getSelection()) && !e.target.closest("button")) return;
      button.setAttribute("aria-expanded", String(body.classList.toggle("open")));
    });
  });

  /* From a box of the graph to its layer: boxes are numbered by rank, the order of the page. */
  document.querySelectorAll('.net [id^="g-n"]').forEach(function (box) {
    var body = bodies[Number(box.id.slice(3))];
    if (!body) return;
    box.addEventListener("click", function () {
      var button = body.querySelector(".name button");
      body.hidden = false;
      if (!body.classList.contains("open")) button.click();
      body.scrollIntoView({ block: "center" });
      button.focus({ preventScroll: true });
    });
  });

  /* Filter by text and verdict. */
  var input = document.getElementById("filter"), count = document.getElementById("count"), want = "all";
  var chips = Array.prototype.slice.call(document.querySelectorAll(".chips button"));
  var hay = bodies.map(function (b) { return b.textContent.toLowerCase(); });
  function filter() {
    var words = input.value.toLowerCase().split(/\s+/), shown = 0;
    bodies.forEach(function (b, i) {
      var yes = (want === "all" || b.getAttribute("data-verdict") === want) &&
        words.every(function (w) { return hay[i].indexOf(w) >= 0; });
      b.hidden = !yes;
      shown += yes;
    });
    count.textContent = shown === bodies.length ? "" : shown + " of " + bodies.length + " shown";
  }
  input.addEventListener("input", filter);
  chips.forEach(function (chip) {
    chip.addEventListener("click", function () {
      want = chip.getAttribute("data-verdict");
      chips.forEach(function (c) { c.setAttribute("aria-pressed", String(c === chip)); });
      filter();
    });
  });

  var save = document.getElementById("save");
  if (save) save.addEventListener("click", function () {
    var a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([document.getElementById("qns-result").textContent], { type: "application/json" }));
    a.download = "result.json";
    a.click();
    setTimeout(function () { URL.revokeObjectURL(a.href); }, 1000);
  });
})();
