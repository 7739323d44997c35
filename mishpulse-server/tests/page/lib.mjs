// What the browser tests share: the real binary, a real browser whose console must stay empty, and figures to print.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";
import { chromium } from "playwright-core";

export { assert };
export const KEY = "0123456789abcdef0123456789abcdef";

const binary = process.env.MISHPULSE_BIN;
assert.ok(binary, "set MISHPULSE_BIN to the server's binary");
// In memory where that can be: it is the page that is timed here, and not a disk that others may keep busy.
const FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const endings = [];

/** Declares a service whose token is `token-NAME`. */
export const service = (name, more = 'timeout = "5m"') =>
  `[[services]]\nname = ${JSON.stringify(name)}\ntoken = "token-${name}"\n${more}\n\n`;

/** Starts the server in a folder of its own with `config`. */
export async function serve(config) {
  const folder = mkdtempSync(join(FOLDER, "mishpulse-page-"));
  endings.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "mishpulse.toml"), `admin_key = "${KEY}"\n${config}`);
  return start(folder, 0);
}

async function start(folder, port) {
  const child = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`], {
    cwd: folder,
    env: {},
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  endings.push(() => child.kill("SIGKILL"));
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const address = await until("the server's address", () => {
    assert.equal(child.exitCode, null, log);
    return log.match(/listens on http:\/\/(\S+)/)?.[1];
  });
  const url = `http://${address}`;
  await until("the server is ready", async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok).catch((error) => {
    throw new Error(`${error.message}\n${log}`);
  });
  const beat = async (name, status = "ok", message = "") => {
    const body = JSON.stringify({ status, message });
    const answer = await fetch(`${url}/api/heartbeat/token-${encodeURIComponent(name)}`, { method: "POST", body });
    assert.equal(answer.status, 200, await answer.text());
  };
  return {
    url,
    beat,
    pid: child.pid,
    log: () => log,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    restart: () => start(folder, Number(address.split(":").at(-1))),
  };
}

/** Waits until `condition` gives something. */
export async function until(what, condition, limitMs = 20_000) {
  for (const deadline = Date.now() + limitMs; ; ) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const browser = await chromium.launch({
  executablePath: process.env.MISHPULSE_CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const spoken = [];

/** A page in a context of its own. What its console says is kept for `assertQuiet`. */
export async function open(options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  endings.push(() => context.close());
  const page = await context.newPage();
  page.on("console", (message) => spoken.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => spoken.push(`page error: ${error.message}`));
  page.setDefaultTimeout(20_000);
  return page;
}

/** No page has said anything in its console, but for what `expected` matches. */
export function assertQuiet(expected = /^$/) {
  assert.deepEqual(spoken.filter((text) => !expected.test(text)), []);
}

/** Waits until the page follows the events. */
export const isLive = (page) => page.waitForSelector("#link.on");

export async function signIn(page, url, key = KEY) {
  await page.goto(`${url}/sign-in`);
  await page.fill("#key", key);
  await page.click("form.fields button");
}

/** Follows `/events` as a program does. */
export async function follow(url, headers = {}) {
  const cut = new AbortController();
  const answer = await fetch(`${url}/events`, { headers, signal: cut.signal });
  const events = [];
  (async () => {
    let text = "";
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const fields = Object.fromEntries(text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s)));
        events.push({ id: fields.id, name: fields.event, data: JSON.parse(fields.data) });
      }
    }
  })().catch(() => {});
  return { events, stop: () => cut.abort() };
}

const axe = createRequire(import.meta.url).resolve("axe-core");

/** Nothing on the page breaks a rule of axe-core, best practices included. */
export async function assertAccessible(page, what) {
  await page.addScriptTag({ path: axe }).catch(async () => page.evaluate((await import("node:fs")).readFileSync(axe, "utf8")));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], `axe-core on ${what}`);
}

/** Runs a test, and cleans up whatever becomes of it. */
export async function test(name, run) {
  try {
    await run();
    console.log(`ok: ${name}`);
  } catch (error) {
    console.error(`FAILED: ${name}\n${error.stack}`);
    process.exitCode = 1;
  } finally {
    for (const end of endings.splice(0).reverse()) await end();
    spoken.length = 0;
  }
}

/** To be called at the end of each file. */
export async function done() {
  await browser.close();
}
