// Without script, everything but the live change works.
import { assert, assertQuiet, done, KEY, open, serve, service, test } from "./lib.mjs";

await test("lists, filters, pages and forms work without script", async () => {
  const many = Array.from({ length: 130 }, (_, n) => service(`s${String(n).padStart(3, "0")}`, 'tags = ["many"]')).join("");
  const server = await serve(many + service("api") + service("sick"));
  await server.beat("api", "ok", "all well");
  await server.beat("sick", "error", "oh no");
  const page = await open({ javaScriptEnabled: false });
  await page.goto(server.url);
  assert.equal(await page.textContent("#summary"), "1 error, 1 alive, 130 new");
  assert.equal(await page.textContent("#trouble li a"), "sick");
  assert.match(await page.textContent("#trouble time"), /seconds? ago|now/);
  assert.equal(await page.locator("#rest li").count(), 100);
  await page.click("text=Next page");
  assert.equal(await page.locator("#rest li").count(), 31);
  assert.equal(await page.textContent("#trouble li a"), "sick", "trouble is on every page");
  await page.click("text=First page");
  await page.fill("[name=q]", "AP");
  await page.click(".find button");
  assert.deepEqual(await page.locator("li .who > a:first-child").allTextContents(), ["api"]);
  assert.equal(await page.textContent("li p"), "all well");
  await page.goto(server.url);
  await page.click(".chips a[data-s=error]");
  assert.deepEqual(await page.locator("li .who > a:first-child").allTextContents(), ["sick"]);
  await page.goto(`${server.url}/?tag=many&q=s12`);
  assert.equal(await page.locator("li").count(), 10);
  await page.click(".chips a.on");
  assert.match(page.url(), /\/\?q=s12$/);

  await page.click("text=Sign in");
  await page.fill("#key", KEY);
  await page.click("form.fields button");
  await page.goto(`${server.url}/services/api`);
  await page.click("button:has-text('Pause')");
  assert.equal(await page.textContent(".hero b"), "paused");
  await page.click("summary:has-text('curl')");
  assert.match(await page.textContent("details[open] pre >> nth=0"), /token-api/);
  await page.click("button:has-text('Sign out')");
  assert.equal(await page.locator("text=Sign in").count(), 1);
  assertQuiet();
});

await test("the reader's language, else that of the configuration", async () => {
  const server = await serve(`locale = "ru"\n${service("api")}${service("web")}`);
  await server.beat("api");
  const heading = async (options) => {
    const page = await open({ javaScriptEnabled: false, ...options });
    await page.goto(server.url);
    return `${await page.getAttribute("html", "lang")}: ${await page.textContent("#summary")}`;
  };
  assert.equal(await heading({ locale: "en-GB" }), "en: 1 alive, 1 new");
  assert.equal(await heading({ locale: "ru-RU" }), "ru: 1 работает, 1 новый");
  assert.equal(await heading({ locale: "de-DE" }), "ru: 1 работает, 1 новый");
});

await done();
