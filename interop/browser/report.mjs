// Opens a report.html as a person would: node report.mjs FILE DIR-FOR-SCREENSHOTS.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, shots] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

// opened opens a page that must stay silent and ask for nothing but its file.
async function opened(options, hash = "", from = address) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const said = [], asked = [];
  page.on("console", m => said.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", e => said.push(e.message));
  page.on("dialog", d => { said.push(`a dialog: ${d.message()}`); d.dismiss(); });
  context.on("request", r => asked.push(r.url()));
  await context.route("**/*", r => r.request().url().split("#")[0] === from ? r.continue() : r.abort());
  await page.goto(from + hash);
  page.close = async () => {
    assert.deepEqual(said, [], "the console");
    assert.deepEqual(asked.map(u => u.split("#")[0]), [from], "requests");
    await context.close();
  };
  return page;
}

const visible = page => page.$$eval("#table tbody tr", rows => rows.filter(r => r.offsetParent !== null).map(r => [...r.cells].map(c => c.innerText.trim())));
const said = page => page.textContent("#matches");

async function filters() {
  const page = await opened({ viewport: { width: 1280, height: 900 } });
  const all = await visible(page);
  assert.ok(all.length > 10, `only ${all.length} findings: nothing is shown`);
  assert.equal(await said(page), `${all.length} findings`);

  const kind = "missing transaction";
  const of = all.filter(r => r[0].startsWith(kind));
  assert.ok(of.length > 0 && of.length < all.length, "the world is too kind");
  await page.selectOption("[name=kind]", kind);
  assert.deepEqual(await visible(page), of, "by kind");
  assert.equal(await said(page), `${of.length} of ${all.length} findings match${of.length === 1 ? "es" : ""}`);
  await page.click("button[type=reset]");
  await page.waitForFunction(n => document.getElementById("matches").textContent === `${n} findings`, all.length);

  // The same with nothing but keys: a guid that no cell shows, then only what is new.
  const hidden = await page.$eval("#table tr[data-g*=TRN]", r => r.dataset.g.split(" ").find(g => g.startsWith("TRN")));
  await page.focus("[name=text]");
  await page.keyboard.type(hidden.toUpperCase());
  assert.equal((await visible(page)).length, 1, "by a guid");
  assert.equal(await said(page), `1 of ${all.length} findings matches`);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  for (let i = 0; i < 5; i++) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.name), "fresh");
  await page.keyboard.press("Space");
  const fresh = await page.$$eval("#table tr.fresh", rows => rows.length);
  assert.equal((await visible(page)).length, fresh, "only new");
  assert.ok(fresh > 0 && fresh < all.length, "nothing is new, or all");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // Clear
  await page.waitForFunction(n => document.getElementById("matches").textContent === `${n} findings`, all.length);

  // A kind in the summary leads to its findings.
  await page.click(`#summary a[data-kind="${kind}"]`);
  assert.deepEqual(await visible(page), of, "from the summary");
  await page.close();
}

async function sorting() {
  const page = await opened({ viewport: { width: 1280, height: 900 } });
  const head = name => page.locator("#table thead th", { hasText: name });
  const column = async i => (await visible(page)).map(r => r[i]).filter(s => s !== "");
  const amounts = async () => (await column(2)).map(s => parseFloat(s.replace("\u2212", "-").replace(/,/g, "")));
  assert.equal(await page.locator("#table th[aria-sort]").count(), 0);
  await head("Amount").locator("button").click();
  assert.equal(await head("Amount").getAttribute("aria-sort"), "ascending");
  const up = await amounts();
  assert.ok(up.length > 2);
  assert.deepEqual(up, [...up].sort((a, b) => a - b), "amounts ascend");
  await page.keyboard.press("Enter");
  assert.equal(await head("Amount").getAttribute("aria-sort"), "descending");
  assert.deepEqual(await amounts(), [...up].sort((a, b) => b - a), "amounts descend");
  await page.keyboard.press("Tab"); // to State
  await page.keyboard.press("Tab"); // to Verdict
  await page.keyboard.press("Space");
  assert.equal(await head("Verdict").getAttribute("aria-sort"), "ascending");
  assert.equal(await page.locator("#table th[aria-sort]").count(), 1);
  const verdicts = await column(4);
  assert.deepEqual(verdicts, [...verdicts].sort(), "verdicts ascend");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "the focus cannot be seen");
  await page.close();
}

async function links() {
  const page = await opened({ viewport: { width: 1280, height: 900 } });
  const id = await page.$eval("#table a[href^='#F-']", a => a.hash.slice(1));
  assert.equal(await page.locator("details[open]").count(), 0);
  await page.click(`#table a[href="#${id}"]`);
  assert.ok(await page.locator(`details[open] > [id="${id}"]`).isVisible(), "a link opens its section");
  await page.close();

  for (const javaScriptEnabled of [true, false]) {
    const direct = await opened({ viewport: { width: 390, height: 800 }, javaScriptEnabled }, "#" + id);
    const article = direct.locator(`[id="${id}"]`);
    assert.ok(await article.isVisible(), "an address opens its section");
    await direct.waitForTimeout(50);
    const box = await article.boundingBox();
    assert.ok(box.y >= -5 && box.y < 700, `the section is at ${box.y}`);
    await direct.close();
  }
}

async function plain() {
  const page = await opened({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  assert.ok(await page.locator("#table tbody tr").last().isVisible());
  assert.ok(!await page.locator("#filter").isVisible(), "a form that does nothing");
  await page.close();

  const printed = await opened({ viewport: { width: 720, height: 1000 } }); // A4 without its margins
  await printed.evaluate(() => document.querySelector("#details > details:not(.ticketed)").open = true);
  await printed.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await printed.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  assert.ok(!await printed.locator("#filter").isVisible());
  assert.ok(await printed.evaluate(() => document.documentElement.scrollWidth) <= 720, "wider than a sheet of paper");
  const ticketed = await printed.locator("#details > details.ticketed").count(), open = () => printed.locator("#details > details[open]").count();
  assert.ok(ticketed > 0, "no finding in a ticket has nights");
  assert.equal(await printed.locator("#details > details:visible").count(), ticketed + 1, "what is open and what is in a ticket is printed, and nothing else");
  await printed.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.equal(await open(), ticketed + 1, "what is in a ticket is open while it is printed");
  await printed.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.equal(await open(), 1, "and no longer than that");
  await printed.screenshot({ path: join(shots, "print.png"), fullPage: true });
  await printed.close();
}

async function looks() {
  const papers = new Set();
  for (const colorScheme of ["light", "dark"]) for (const width of [1280, 390]) {
    const page = await opened({ colorScheme, viewport: { width, height: 900 } });
    await page.$$eval("#details > details", all => all.slice(0, 3).concat(all.filter(d => d.querySelector("svg")).slice(0, 3)).forEach(d => d.open = true));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${wide} pixels of ${width}`);
    papers.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    for (const part of ["summary", "tickets", "findings", "details", "institutions"]) {
      await page.evaluate(id => document.getElementById(id).scrollIntoView(), part);
      await page.screenshot({ path: join(shots, `${part}-${colorScheme}-${width}.png`) });
    }
    await page.close();
  }
  assert.equal(papers.size, 2, "light and dark look the same");
}

// The table of the file with its rows repeated to five thousand.
async function large() {
  const html = readFileSync(file, "utf8"), from = html.indexOf("<tbody>\n<tr", html.indexOf('id="table"')) + 8, to = html.indexOf("</tbody>", from);
  const rows = html.slice(from, to).split("\n").filter(Boolean);
  const many = Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]).join("\n");
  const dir = mkdtempSync(join(tmpdir(), "report-"));
  try {
    writeFileSync(join(dir, "large.html"), html.slice(0, from) + many + html.slice(to));
    const began = performance.now();
    const page = await opened({ viewport: { width: 1280, height: 900 } }, "", pathToFileURL(join(dir, "large.html")).href);
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(done))));
    const open = performance.now() - began;
    assert.equal((await visible(page)).length, 200);
    assert.equal(await said(page), "5000 findings, the first 200 are shown");
    const searching = performance.now();
    await page.fill("[name=text]", "no such thing");
    assert.equal(await said(page), "0 of 5000 findings match");
    const search = performance.now() - searching;
    await page.fill("[name=text]", "");
    await page.click("#more");
    assert.equal((await visible(page)).length, 5000);
    await page.close();
    console.log(`5,000 findings open in ${Math.round(open)} ms, and are searched in ${Math.round(search)} ms`);
    assert.ok(open < 5000 && search < 5000, "far too slow, even for a busy machine");
  } finally {
    rmSync(dir, { recursive: true });
  }
}

try {
  for (const check of [filters, sorting, links, plain, looks, large]) {
    try {
      await check();
    } catch (e) {
      e.message = `${check.name}: ${e.message}`;
      throw e;
    }
  }
} finally {
  await browser.close();
}
