// What a support agent does at the page of tallyport serve, in a real browser.
//   node serve.mjs STORE OPEN CLOSED TOKEN DOWNLOADS SCREENSHOTS
// OPEN is the address of a page for this machine; CLOSED that of one that is
// asked for as desk.example, with TOKEN. Both show STORE.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

const [store, open, closed, token, downloads, screenshots] = process.argv.slice(2);
const port = new URL(closed).port;
const desk = `http://desk.example:${port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--host-resolver-rules=MAP *.example 127.0.0.1"],
});

// visit opens a page that complains of nothing and asks nobody else for anything.
async function visit(options = {}) {
  const page = await (await browser.newContext(options)).newPage();
  page.wrong = [];
  page.on("console", (m) => {
    if (m.type() === "error" && !m.text().startsWith("Failed to load resource: the server responded with a status of")) page.wrong.push(m.text());
  });
  page.on("pageerror", (e) => page.wrong.push(e.message));
  page.on("request", (r) => {
    const from = new URL(r.url());
    if (from.protocol === "http:" && ![new URL(open).host, new URL(desk).host].includes(from.host)) page.wrong.push(`asks for ${r.url()}`);
  });
  return page;
}

async function close(page) {
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

async function suppress(page, why, until) {
  await page.getByText("Suppress", { exact: true }).first().click();
  await page.getByLabel("Why").locator("visible=true").fill(why);
  if (until) await page.getByLabel("Until").locator("visible=true").fill(until);
  await page.getByLabel("Who decides").locator("visible=true").fill("Ada Agent");
  await page.getByRole("button", { name: "Suppress" }).click();
}

// A ticket is found, its finding is suppressed, and is gone from the lists.
async function findAndSuppress() {
  const page = await visit();
  await page.goto(open);
  await page.getByRole("link", { name: "Findings", exact: true }).click();
  await page.getByLabel("Kind").selectOption("missing_transaction");
  await page.getByRole("button", { name: "Show" }).click();
  const first = page.locator("tbody tr").filter({ has: page.locator('a[href^="/tickets/"]') }).first();
  const finding = await first.locator("th a").getAttribute("href");
  const ticket = await first.locator('a[href^="/tickets/"]').innerText();
  await page.getByRole("searchbox").fill(ticket.toLowerCase());
  await page.keyboard.press("Enter");
  await page.locator(`a[href="/tickets/${ticket}"]`).first().click();
  await page.getByRole("heading", { level: 1, name: ticket }).waitFor();
  await page.locator(`a[href="${finding}"]`).first().click();
  await page.getByText("nobody looked").waitFor();
  await suppress(page, "known to us");
  await page.getByRole("status").filter({ hasText: "Suppressed (1 finding)." }).waitFor();
  await page.getByText("suppress by Ada Agent: known to us").waitFor();
  await page.reload(); // sends nothing again
  assert.equal(await page.getByText("suppress by Ada Agent").count(), 1);
  await page.getByRole("link", { name: "Findings", exact: true }).click();
  assert.equal(await page.locator(`a[href="${finding}"]`).count(), 0);
  await page.getByLabel("State").selectOption("suppressed");
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator(`a[href="${finding}"]`).waitFor();
  await close(page);
}

// Tickets that are ticked come as one zip.
async function bundle() {
  const page = await visit({ acceptDownloads: true });
  await page.goto(`${open}/tickets`);
  const boxes = page.getByRole("checkbox");
  const names = [];
  for (const i of [0, 1]) {
    await boxes.nth(i).check();
    names.push(await boxes.nth(i).getAttribute("value"));
  }
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download a bundle" }).click()]);
  assert.equal(download.suggestedFilename(), "tickets.zip");
  await download.saveAs(path.join(downloads, names.join("+") + ".zip"));
  await page.goto(`${open}/tickets/${names[0]}`);
  const [text] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "text", exact: true }).click()]);
  assert.equal(text.suggestedFilename(), `${names[0]}.md`);
  await text.saveAs(path.join(downloads, `${names[0]}.md`));
  await close(page);
}

// While a run has the ledger, what was typed stays, and can be sent again.
async function locked() {
  const page = await visit();
  await page.goto(`${open}/findings`);
  await page.locator("tbody th a").first().click();
  const holder = spawn("flock", [path.join(store, "_reconcile.lock"), "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  await suppress(page, "typed by hand", "2099-12-31");
  await page.getByRole("alert").filter({ hasText: "Nothing was changed" }).waitFor();
  assert.equal(await page.getByLabel("Why").locator("visible=true").inputValue(), "typed by hand");
  assert.equal(await page.getByLabel("Until").locator("visible=true").inputValue(), "2099-12-31");
  assert.equal(await page.getByLabel("Who decides").locator("visible=true").inputValue(), "Ada Agent");
  holder.stdin.end();
  await once(holder, "exit");
  await page.getByRole("button", { name: "Suppress" }).click();
  await page.getByText("suppress by Ada Agent, until 2099-12-31: typed by hand").waitFor();
  await close(page);
}

// Everything is to be had with keys alone.
async function keys() {
  const page = await visit();
  await page.goto(`${open}/findings`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  const reach = async (what) => {
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((w) => document.activeElement.matches(w), what)) return;
    }
    assert.fail(`no key leads to ${what}`);
  };
  await reach('tbody th a[href^="/findings/"]');
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await reach("details.decide summary");
  await page.keyboard.press("Enter");
  await reach("details[open] input[name=who]");
  await close(page);
}

// Pages of other sites can neither send a form nor lead their names here.
async function strangers() {
  const page = await visit();
  await page.goto(`${open}/findings`);
  const finding = await page.locator("tbody th a").first().getAttribute("href");
  await page.goto(open + finding);
  const form = await page.locator("input[name=form]").first().getAttribute("value");
  await close(page);

  const evil = http.createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<form method="post" action="${open}${finding}"><input name="form" value="${form}"><input name="action" value="close">
<input name="reason" value="x"><input name="who" value="Eve"></form><a href="${desk}/findings">a link in a mail</a><iframe src="${open}/"></iframe>`);
  });
  evil.listen(0, "127.0.0.1");
  await once(evil, "listening");
  const there = await (await browser.newContext()).newPage();
  await there.goto(`http://evil.example:${evil.address().port}/`);
  const [refused] = await Promise.all([there.waitForNavigation(), there.evaluate(() => document.forms[0].submit())]);
  assert.equal(refused.status(), 403);
  const rebound = await there.goto(`http://evil.example:${new URL(open).port}/`);
  assert.equal(rebound.status(), 403);
  await there.context().close();
  const after = await visit();
  await after.goto(open + finding);
  assert.equal(await after.getByText("by Eve").count(), 0);
  await close(after);
  return evil;
}

// The token is given once; forms work over plain http, and links from elsewhere too.
async function tokens(evil) {
  const page = await visit();
  assert.equal((await page.goto(`${desk}/findings`)).status(), 401);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("alert").waitFor();
  await page.goto(`${desk}/findings?state=open&token=${encodeURIComponent(token)}`);
  assert.equal(page.url(), `${desk}/findings?state=open`);
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map((c) => [c.name, c.httpOnly, c.sameSite]), [["tallyport_token", true, "Strict"]]);
  await page.locator("tbody th a").first().click();
  await suppress(page, "over plain http");
  await page.getByText("suppress by Ada Agent: over plain http").waitFor();
  assert.deepEqual(page.wrong, []);
  await page.goto(`http://mail.example:${evil.address().port}/`);
  await page.getByRole("link", { name: "a link in a mail" }).click();
  await page.getByRole("heading", { level: 1, name: "Findings" }).waitFor();
  await page.context().close();
  const typed = await visit();
  await typed.goto(`${desk}/tickets?state=all`);
  await typed.getByLabel("Token").fill(token);
  await typed.getByRole("button", { name: "Open" }).click();
  await typed.getByRole("heading", { level: 1, name: "Tickets" }).waitFor();
  assert.equal(typed.url(), `${desk}/tickets?state=all`);
  await close(typed);
}

// No page is wider than its window, and every page has one heading of its own.
async function widths() {
  for (const [width, colorScheme] of [[1280, "light"], [390, "dark"]]) {
    const page = await visit({ viewport: { width, height: 900 }, colorScheme });
    await page.goto(`${open}/findings?kind=missing_transaction&state=all`);
    const finding = await page.locator("tbody th a").first().getAttribute("href");
    await page.goto(open + finding);
    const transaction = await page.locator('a[href^="/transactions/"]').first().getAttribute("href");
    const institution = await page.locator('a[href^="/institutions/"]').first().getAttribute("href");
    await page.goto(`${open}/tickets`);
    const ticket = await page.locator("tbody th a").first().getAttribute("href");
    const pages = { overview: "/", report: "/report", findings: "/findings?state=all", finding, transaction, institution, tickets: "/tickets", ticket, baseline: "/baseline", search: `/search?q=${transaction.split("/").pop()}`, missing: "/none" };
    for (const [name, at] of Object.entries(pages)) {
      await page.goto(open + at);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} is wider than ${width}`);
      assert.equal(await page.locator("h1").count(), 1, name);
      assert.equal(await page.locator("main").count(), 1, name);
      assert.deepEqual(await page.evaluate(() => Array.from(document.querySelectorAll("input:not([type=hidden]), select")).filter((i) => !i.labels.length && !i.ariaLabel).map((i) => i.outerHTML)), [], name);
      await page.screenshot({ path: path.join(screenshots, `serve-${name}-${width}.png`), fullPage: name !== "report" });
    }
    await close(page);
  }
}

try {
  await findAndSuppress();
  await bundle();
  await locked();
  await keys();
  const evil = await strangers();
  await tokens(evil);
  evil.closeAllConnections();
  evil.close();
  await widths();
} finally {
  await browser.close();
}
