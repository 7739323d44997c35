// What the first load costs: requests and bytes, and nothing from anywhere else.
import { assert, assertQuiet, done, isLive, open, serve, service, test } from "./lib.mjs";

async function load(services, beats) {
  const names = Array.from({ length: services }, (_, n) => `service-${String(n).padStart(5, "0")}`);
  const server = await serve(names.map((name) => service(name, 'tags = ["prod", "eu"]')).join(""));
  await Promise.all(names.slice(0, beats).map((name, n) => server.beat(name, n % 25 ? "ok" : "error", n % 3 ? "" : `release ${n}`)));
  const page = await open();
  const requests = [];
  const bodies = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("response", (answer) => {
    if (!answer.url().includes("/events")) bodies.push(answer.body());
  });
  const began = Date.now();
  await page.goto(server.url);
  await isLive(page);
  const ms = Date.now() - began;
  const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
  const rows = await page.locator("li").count();
  const told = { services, requests: requests.length, bytes, rows, ms };
  console.log(JSON.stringify(told));
  assert.ok(requests.every((url) => url.startsWith(server.url)), `another host: ${requests}`);
  assertQuiet();
  return told;
}

await test("50 services take less than 60 kB", async () => {
  const { bytes, requests, rows } = await load(50, 50);
  assert.ok(bytes < 60_000, `${bytes} bytes`);
  assert.ok(requests <= 5, `${requests} requests`);
  assert.equal(rows, 50);
});

await test("10,000 services are as quick", async () => {
  const { bytes, requests } = await load(10_000, 1_000);
  assert.ok(bytes < 150_000, `${bytes} bytes`);
  assert.ok(requests <= 5, `${requests} requests`);
});

await done();
