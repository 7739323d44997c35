// A change is on the screen at once, in its place, without anything else moving.
import { assert, assertQuiet, done, follow, isLive, open, serve, service, signIn, test, until } from "./lib.mjs";

const statusOf = (page, name) => page.locator("li", { hasText: name }).locator("b").textContent();

await test("a change is on the screen within 300 ms", async () => {
  const server = await serve(service("api") + service("web") + service("zoo"));
  for (const name of ["api", "web", "zoo"]) await server.beat(name);
  const page = await open();
  await page.goto(server.url);
  await isLive(page);
  await page.evaluate(() => {
    globalThis.changes = [];
    const word = document.querySelector("#rest li:nth-child(2) b");
    new MutationObserver(() => globalThis.changes.push(Date.now())).observe(document.querySelector("main"), {
      subtree: true, childList: true, attributes: true, attributeFilter: ["data-s"],
    });
    return word.textContent;
  });
  const delays = [];
  for (let round = 0; round < 20; round++) {
    const status = round % 2 ? "ok" : "error";
    await page.evaluate(() => (globalThis.changes.length = 0));
    const sent = Date.now();
    await server.beat("web", status, `round ${round}`);
    const seen = await until("the change", () => page.evaluate(() => globalThis.changes[0]));
    delays.push(seen - sent);
    await page.waitForSelector(`[data-s=${round % 2 ? "alive" : "error"}]:has(a[href="/services/web"])`);
  }
  delays.sort((a, b) => a - b);
  console.log(`from the beat to the screen: median ${delays[10]} ms, longest ${delays[19]} ms`);
  assert.ok(delays[10] <= 300, `median ${delays[10]} ms`);
  assertQuiet();
});

await test("trouble goes to the top, and title, sign and numbers with it", async () => {
  const server = await serve(service("api") + service("web") + service("zoo"));
  for (const name of ["api", "web", "zoo"]) await server.beat(name);
  const page = await open();
  await page.goto(server.url);
  await isLive(page);
  assert.equal(await page.title(), "🟢 3 alive · MishPulse");
  assert.equal(await page.isVisible("#trouble"), false);
  await page.focus('a[href="/services/web"]');
  await page.evaluate(() => {
    for (const row of document.querySelectorAll("#rest li")) row.known = true;
  });

  await server.beat("web", "error", "disk full");
  await page.waitForSelector('#trouble li[data-s=error] a[href="/services/web"]');
  assert.equal(await page.title(), "🟠 1 error, 2 alive · MishPulse");
  assert.equal(await page.textContent("#summary"), "1 error, 2 alive");
  assert.match(await page.getAttribute("link[rel=icon]", "href"), /s=error/);
  assert.equal(await page.textContent("#n-error"), "1");
  assert.equal(await page.textContent("#trouble p"), "disk full");
  assert.equal(await statusOf(page, "web"), "error");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "web", "the focus stays");
  assert.ok(await page.evaluate(() => [...document.querySelectorAll(".rows li")].every((row) => row.known)), "no row is made anew");

  await server.beat("web", "ok");
  await page.waitForSelector('#rest li[data-s=alive] a[href="/services/web"]');
  const names = await page.locator("#rest li .who > a:first-child").allTextContents();
  assert.deepEqual(names, ["api", "web", "zoo"]);
  assert.equal(await page.isVisible("#trouble"), false);
  assertQuiet();
});

await test("a death, a new service and a deletion are seen by all who watch", async () => {
  const server = await serve(service("brief", 'timeout = "1500ms"') + service("web"));
  await server.beat("web");
  const page = await open();
  await page.goto(server.url);
  const own = await open();
  await own.goto(`${server.url}/services/brief`);
  await Promise.all([isLive(page), isLive(own)]);
  await server.beat("brief");
  await page.waitForSelector('#trouble li[data-s=dead] a[href="/services/brief"]');
  assert.match(await page.title(), /^🔴 1 dead/);
  await own.waitForSelector(".hero[data-s=dead]");
  await own.locator("#past .events", { hasText: "alive → dead" }).waitFor();

  const admin = await open();
  await signIn(admin, server.url);
  await admin.goto(`${server.url}/add`);
  await admin.fill("#f-name", "added later");
  await admin.fill("#f-tags", "eu, x");
  await admin.click("form.fields .buttons button");
  await admin.waitForSelector(".notice");
  const row = page.locator("#rest li", { hasText: "added later" });
  await row.waitFor();
  assert.deepEqual(await row.locator(".tag").allTextContents(), ["eu", "x"]);
  assert.equal(await page.textContent("#n-all"), "3");
  await admin.goto(`${server.url}/services/added%20later/delete`);
  await admin.check("[name=sure]");
  await admin.click("form.fields button");
  await admin.waitForSelector(".notice");
  await row.waitFor({ state: "detached" });
  assert.equal(await page.textContent("#n-all"), "2");
  assertQuiet();
});

await test("times count on, and a filter holds for what comes", async () => {
  const server = await serve(service("api-1", 'tags = ["eu"]') + service("api-2") + service("web", 'tags = ["eu"]'));
  for (const name of ["api-1", "api-2", "web"]) await server.beat(name);
  const page = await open();
  await page.goto(`${server.url}/?q=API&tag=eu`);
  await isLive(page);
  assert.deepEqual(await page.locator("li .who > a:first-child").allTextContents(), ["api-1"]);
  await page.locator("li time", { hasText: /^[2-9] seconds ago$/ }).waitFor();
  for (const name of ["api-1", "api-2", "web"]) await server.beat(name, "error");
  await page.locator("#summary", { hasText: /^3 errors$/ }).waitFor();
  assert.deepEqual(await page.locator("#trouble li .who > a:first-child").allTextContents(), ["api-1"]);
  assertQuiet();
});

await test("a thousand changes are at most ten events a second", async () => {
  const names = Array.from({ length: 200 }, (_, n) => `s${n}`);
  const server = await serve(names.map((name) => service(name)).join(""));
  const { events, stop } = await follow(server.url);
  const began = Date.now();
  for (const status of ["ok", "error", "ok", "error", "warning"]) {
    await Promise.all(names.map((name) => server.beat(name, status)));
  }
  await until("all of it", () => {
    const last = new Map(events.flatMap((event) => event.data.changed || []).map((row) => [row.name, row.status]));
    return names.every((name) => last.get(name) === "warning");
  });
  const seconds = (Date.now() - began) / 1000;
  const changes = events.filter((event) => event.name === "change").length;
  console.log(`1000 changes in ${seconds.toFixed(1)} s came as ${changes} events`);
  assert.ok(changes <= seconds * 10 + 2, `${changes} events`);
  stop();
});

await done();
