// SPDX-License-Identifier: MIT
// Drives Chromium over its debugging pipe: opens each page, watches the console and the network, and
// checks that the page renders, sorts, filters and unfolds, by mouse and keyboard, in both themes and
// at phone width. Needs nothing but node.
"use strict";
const fs = require("fs"), os = require("os"), path = require("path");
const { spawn } = require("child_process");

const [program, folder] = process.argv.slice(2);
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "qns-chromium-"));
const browser = spawn(program, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
  "--disable-dev-shm-usage", "--user-data-dir=" + profile, "--remote-debugging-pipe", "about:blank"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

let next = 1, failures = 0, session, buffer = "";
const waiting = new Map(), events = [];
browser.stdio[4].on("data", function (chunk) {
  buffer += chunk;
  for (let end; (end = buffer.indexOf("\0")) >= 0;) {
    const m = JSON.parse(buffer.slice(0, end));
    buffer = buffer.slice(end + 1);
    if (m.id && waiting.has(m.id)) {
      waiting.get(m.id)(m);
      waiting.delete(m.id);
    } else {
      events.push(m);
    }
  }
});
function send(method, params) {
  return new Promise(function (resolve, reject) {
    const id = next++;
    waiting.set(id, (m) => m.error ? reject(new Error(method + ": " + m.error.message)) : resolve(m.result));
    browser.stdio[3].write(JSON.stringify({ id, method, params: params || {}, sessionId: session }) + "\0");
  });
}
async function js(expression) {
  const r = await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
  if (r.exceptionDetails) throw new Error(expression + ": " + r.exceptionDetails.exception.description);
  return r.result.value;
}
function check(what, good, detail) {
  if (good) return;
  failures++;
  console.log("FAILED: " + what + (detail === undefined ? "" : ": " + JSON.stringify(detail)));
}
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

async function open(name) {
  events.length = 0;
  await send("Page.navigate", { url: "file://" + path.join(folder, name) });
  for (let i = 0; i < 200; i++) {
    if (events.some((e) => e.method === "Page.loadEventFired")) return;
    await sleep(50);
  }
  throw new Error(name + " did not load");
}
async function picture(name, width) {
  const height = await js("document.documentElement.scrollHeight");
  const r = await send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height: Math.min(height, 9000), scale: 1 } });
  fs.writeFileSync(path.join(folder, name), Buffer.from(r.data, "base64"));
}
const screen = (width, height) => send("Emulation.setDeviceMetricsOverride",
  { width, height, deviceScaleFactor: 1, mobile: width < 600 });
const media = (scheme) => send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });

function quiet(name) {
  const said = events.filter((e) => e.method === "Runtime.exceptionThrown" || e.method === "Log.entryAdded" ||
    (e.method === "Runtime.consoleAPICalled" && e.params.type !== "log")).map((e) => JSON.stringify(e.params).slice(0, 300));
  check(name + ": the console is empty", said.length === 0, said);
  const asked = events.filter((e) => e.method === "Network.requestWillBeSent").map((e) => e.params.request.url.slice(0, 80));
  const outside = asked.filter((u) => !/^(file:.*\.html|data:,)/.test(u));
  check(name + ": nothing is loaded from elsewhere", outside.length === 0, outside);
  check(name + ": the page itself was loaded", asked.length > 0);
}

const names = "Array.from(document.querySelectorAll('#ranking .name'), (n) => n.textContent)";
const column = (title) => `Array.from(document.querySelectorAll('#ranking th')).findIndex((t) => t.textContent.startsWith('${title}'))`;
const values = (title) => `(() => { const c = ${column(title)}; return Array.from(document.querySelectorAll('#ranking tr.row'), (r) => r.cells[c].dataset.v); })()`;
const click = (title) => js(`document.querySelectorAll('#ranking th')[${column(title)}].querySelector('button').click()`);
function ordered(list, down) {
  const v = list.filter((x) => x !== "").map((x) => x === "inf" ? Infinity : x === "-inf" ? -Infinity : +x);
  const last = list.indexOf("");
  return v.every((x, i) => !i || (down ? v[i - 1] >= x : v[i - 1] <= x)) && (last < 0 || list.slice(last).every((x) => x === ""));
}

async function sorting(name) {
  const before = await js(names);
  check(name + ": worst first", (await js(values("#"))).every((v, i) => +v === i + 1));
  await click("output");
  check(name + ": sorts upwards", ordered(await js(values("output")), false));
  check(name + ": says so", await js(`document.querySelectorAll('#ranking th')[${column("output")}].getAttribute('aria-sort')`) === "ascending");
  await click("output");
  const down = await js(names);
  check(name + ": sorts downwards", ordered(await js(values("output")), true));
  check(name + ": the order changes", JSON.stringify(before) !== JSON.stringify(down));
  check(name + ": one column is sorted", await js("document.querySelectorAll('th[aria-sort=ascending],th[aria-sort=descending]').length") === 1);
  await click("weight");
  check(name + ": layers without a weight come last", ordered(await js(values("weight")), false));
  await js(`document.querySelectorAll('#ranking th')[${column("#")}].querySelector('button').focus()`);
  for (const type of ["keyDown", "keyUp"])
    await send("Input.dispatchKeyEvent", { type, key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: type === "keyDown" ? "\r" : "" });
  check(name + ": Enter on a heading sorts", JSON.stringify(await js(names)) === JSON.stringify(before));
}

async function folding(name) {
  const shown = "document.querySelectorAll('tr.more')[0].offsetHeight > 0";
  check(name + ": details are folded", !(await js(shown)));
  await js("document.querySelector('.name button').focus()");
  for (const type of ["keyDown", "keyUp"])
    await send("Input.dispatchKeyEvent", { type, key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: type === "keyDown" ? "\r" : "" });
  check(name + ": Enter unfolds them", await js(shown));
  check(name + ": and says so", await js("document.querySelector('.name button').getAttribute('aria-expanded')") === "true");
}

async function graph(name, drawn) {
  check(name + ": the graph", await js("document.querySelectorAll('.net svg').length") === (drawn ? 1 : 0));
  if (!drawn) return;
  const boxes = await js("document.querySelectorAll('.net [id^=\"g-n\"]').length");
  check(name + ": a box for each layer", boxes === await js("document.querySelectorAll('#ranking tbody').length"), boxes);
  check(name + ": boxes are joined", await js("document.querySelectorAll('.net [id^=\"g-edge\"]').length") >= boxes - 1);
  check(name + ": a box says its layer", await js(`(() => { const t = document.querySelector('.net [id="g-n2"] title').textContent;
    return t.includes(document.querySelectorAll('#ranking .name')[2].title); })()`));
  await js(`document.querySelector('.net [id="g-n2"] path').dispatchEvent(new MouseEvent("click", { bubbles: true }))`);
  check(name + ": a click on a box unfolds its layer", await js("document.querySelectorAll('tr.more')[2].offsetHeight > 0"));
  check(name + ": and goes there", await js("document.activeElement.closest('tr') === document.querySelectorAll('tr.row')[2]"));
}

async function filtering(name) {
  const visible = "Array.from(document.querySelectorAll('#ranking tbody')).filter((b) => !b.hidden).length";
  const all = await js(visible);
  await js("(() => { const f = document.getElementById('filter'); f.value = 'layer1.0'; f.dispatchEvent(new Event('input')); })()");
  const some = await js(visible);
  check(name + ": the filter hides layers", some > 0 && some < all, [some, all]);
  await js("(() => { const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input')); })()");
  await js("document.querySelector('.chips [data-verdict=bad]').click()");
  check(name + ": the verdict filter shows only bad ones",
    await js("Array.from(document.querySelectorAll('#ranking tbody')).every((b) => b.hidden === (b.dataset.verdict !== 'bad'))"));
  await js("document.querySelector('.chips [data-verdict=all]').click()");
  check(name + ": all come back", await js(visible) === all);
}

/* WCAG contrast of all text, computed from what is really drawn behind it. */
const contrast = `(() => {
  const rgb = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith('color(srgb') ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const lum = (c) => { const f = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const behind = (e) => { const stack = []; for (; e; e = e.parentElement) stack.push(rgb(getComputedStyle(e).backgroundColor));
    let b = [255, 255, 255]; for (const c of stack.reverse()) b = b.map((v, i) => v * (1 - c[3]) + c[i] * c[3]); return b; };
  const low = [];
  for (const e of document.querySelectorAll('p, td span, th, dt, dd, h1, h2, h3, a, label, .tag, button, li, code, b, figcaption span, small')) {
    if (!e.textContent.trim() || !e.getClientRects().length || e.closest('svg') || e.className === 'skip') continue;
    const a = lum(rgb(getComputedStyle(e).color)), b = lum(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2) + ' ' + e.textContent.trim().slice(0, 20));
  }
  return [...new Set(low)].slice(0, 8);
})()`;

async function looks(name, charts) {
  const ids = await js("Array.from(document.querySelectorAll('[id]'), (e) => e.id)");
  check(name + ": ids are unique", new Set(ids).size === ids.length, ids.filter((x, i) => ids.indexOf(x) !== i).slice(0, 5));
  check(name + ": references in charts lead somewhere",
    await js("Array.from(document.querySelectorAll('svg use')).every((u) => document.getElementById(u.getAttribute('href').slice(1)))"));
  check(name + ": charts", await js("document.querySelectorAll('figure svg').length") === charts, charts);
  check(name + ": charts are drawn", await js("Array.from(document.querySelectorAll('figure svg')).every((s) => s.getBoundingClientRect().height > 100 && s.querySelectorAll('path').length > 5)"));
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 390], ["dark", 390]]) {
    await media(scheme);
    await screen(width, 900);
    const wide = await js("document.documentElement.scrollWidth");
    check(`${name}: fits ${width} pixels`, wide <= width, wide);
    const low = await js(contrast);
    check(`${name}: contrast in ${scheme} at ${width}`, low.length === 0, low);
    await picture(`${name}-${scheme}-${width}.png`, width);
  }
  await screen(1280, 900);
  await media("light");
}

async function main() {
  const target = await send("Target.createTarget", { url: "about:blank" });
  session = (await send("Target.attachToTarget", { targetId: target.targetId, flatten: true })).sessionId;
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(domain + ".enable");
  await screen(1280, 900);
  for (const [name, charts] of [["plain", 14], ["hostile", 14], ["nocharts", 0], ["many", 14]]) {
    await open(name + ".html");
    check(name + ": title", (await js("document.title")).startsWith("QNS report: "), await js("document.title"));
    check(name + ": rows", await js("document.querySelectorAll('#ranking tbody').length") === (name === "many" ? 220 : 64));
    await sorting(name);
    await folding(name);
    await filtering(name);
    await graph(name, name !== "nocharts");
    await looks(name, charts);
    check(name + ": no element came from a name", await js("document.querySelectorAll('main b b, td b, [onmouseover], text script').length") === 0);
    check(name + ": the result inside can be read", await js("JSON.parse(document.getElementById('qns-result').textContent).layers.length") >= 64);
    quiet(name);
  }
  await open("hostile.html");
  const shown = await js("Array.from(document.querySelectorAll('#ranking .name'), (n) => n.title)");
  check("hostile: a name of markup is text", shown.includes("</script><b>bold</b><script>document.title='broken'</script>"));
  check("hostile: a name of a template is text", shown.includes("{{name}} {{#each layers}}"));

  await send("Emulation.setScriptExecutionDisabled", { value: true });
  await open("plain.html");
  await send("Emulation.setScriptExecutionDisabled", { value: false });
  check("without scripts: details can be opened", await js("document.querySelectorAll('tr.more summary')[0].offsetHeight > 0"));
  check("without scripts: no dead controls", await js("document.querySelector('.tools').offsetHeight === 0"));
}

const limit = setTimeout(function () { console.log("FAILED: took too long"); finish(1); }, 240000);
function finish(code) {
  clearTimeout(limit);
  browser.on("exit", function () {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  });
  browser.kill();
}
main().then(function () {
  console.log(failures ? failures + " checks failed" : "all checks passed");
  finish(failures ? 1 : 0);
}, function (e) {
  console.log("FAILED: " + e.stack);
  finish(1);
});
