// A connection that breaks is mended by itself, and nothing is missed.
import { assert, assertQuiet, done, follow, isLive, open, serve, service, test, until } from "./lib.mjs";

await test("after kill -9 the page comes back by itself with all that happened", async () => {
  let server = await serve(service("api") + service("web") + service("gone"));
  for (const name of ["api", "web", "gone"]) await server.beat(name);
  const page = await open();
  await page.goto(server.url);
  const own = await open();
  await own.goto(`${server.url}/services/api`);
  await Promise.all([isLive(page), isLive(own)]);
  await server.kill();
  await page.locator("#link.off", { hasText: "Connection lost" }).waitFor();
  assert.equal(await page.locator("li").count(), 3, "what was known stays on the screen");

  server = await server.restart();
  // Before any viewer is back.
  await server.beat("api", "error", "while nobody looked");
  await page.waitForSelector('#trouble li[data-s=error] a[href="/services/api"]');
  await own.waitForSelector("#past .events [data-s=error]");
  await own.waitForSelector(".hero[data-s=error]");
  assert.equal(await own.title(), "🟠 api: error · MishPulse");
  await Promise.all([isLive(page), isLive(own)]);
  assert.equal(await page.title(), "🟠 1 error, 2 alive · MishPulse");
  await server.beat("web", "warning");
  await page.waitForSelector('#trouble li[data-s=warning] a[href="/services/web"]');
  assertQuiet(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET/);
});

await test("who comes back with the last id gets what was missed, once", async () => {
  const server = await serve(service("api") + service("web"));
  const first = await follow(server.url);
  await server.beat("api");
  await until("the first change", () => first.events.some((event) => event.name === "change"));
  first.stop();
  const last = first.events.at(-1).id;

  await server.beat("web", "error", "missed");
  await server.beat("api", "warning");
  const again = await follow(server.url, { "last-event-id": last });
  await until("what was missed", () => again.events.some((event) => event.data.summary?.warning === 1));
  const told = again.events.flatMap((event) => event.data.changed || []);
  assert.deepEqual(told.map((row) => row.name).sort(), ["api", "web"]);
  assert.equal(told.find((row) => row.name === "web").message, "missed");
  assert.equal(again.events[0].name, "hello");
  again.stop();

  for (const stranger of ["0-1", `${last}9`, "x", last.replace(/.$/, "99")]) {
    const other = await follow(server.url, { "last-event-id": stranger });
    await until("an answer", () => other.events.length);
    assert.equal(other.events[0].name, "reload", stranger);
    other.stop();
  }
});

await test("nothing is missed between the reading of a page and its connection", async () => {
  const server = await serve(service("api"));
  await server.beat("api");
  const page = await open();
  // The script comes late, and the change before it.
  await page.route("**/assets/*.js", async (route) => {
    await server.beat("api", "error", "in between");
    await route.continue();
  });
  await page.goto(server.url);
  await page.waitForSelector("#trouble li[data-s=error]");
  assertQuiet();
});

await done();
