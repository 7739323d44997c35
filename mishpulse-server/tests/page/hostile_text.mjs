// Whatever a service is called, says or is tagged with: it is shown, and does nothing.
import { assert, assertQuiet, done, isLive, open, serve, signIn, test } from "./lib.mjs";

const EVIL = [
  `<img src=x onerror="globalThis.hit=1">`,
  `"><script>globalThis.hit=1</script>`.replace("/", "\\\\"),
  `'-globalThis.hit=1-'`,
  `{{7*7}}${"$"}{7*7}`,
  `javascript:globalThis.hit=1`,
  `..`,
  `a?b#c%2e&lt;d`,
];
const SAID = `<script>globalThis.hit=1</script><a href="javascript:globalThis.hit=1" style="color:red">x</a>`;

await test("nothing that others write is taken for a page", async () => {
  const services = EVIL.map((text, n) => {
    // In the configuration `${` begins a variable.
    const quoted = (text) => JSON.stringify(text.replaceAll("${", () => "$${"));
    const [name, tag] = [quoted(text), quoted(text.replaceAll(",", ""))];
    return `[[services]]\nname = ${name}\ntoken = "token-e${n}"\ntags = [${tag}]\ndescription = ${JSON.stringify(SAID)}\n`;
  });
  const server = await serve(services.join("\n"));
  const visitor = await open();
  await visitor.goto(server.url);
  await isLive(visitor);
  // By the live way and by the way of the page.
  for (const n of EVIL.keys()) await server.beat(`e${n}`, n % 2 ? "ok" : "error", SAID);
  await visitor.waitForFunction(() => document.querySelectorAll("#trouble li").length === 4);
  const admin = await open();
  await signIn(admin, server.url);
  for (const page of [visitor, admin]) {
    if (page === admin) await page.goto(server.url);
    const names = await page.locator("li .who > a:first-child").allTextContents();
    assert.deepEqual(names.sort(), [...EVIL].sort());
    assert.ok((await page.locator("li p").allTextContents()).every((text) => text === SAID));
    const links = await page.locator("li .who > a:first-child").evaluateAll((all) => all.map((link) => link.href));
    for (const link of links) {
      assert.ok(link.startsWith(`${server.url}/services`), link);
      await page.goto(link);
      await isLive(page);
      assert.ok(EVIL.includes(await page.textContent("#name")), link);
      assert.equal(await page.textContent(".description"), SAID);
      assert.equal(await page.locator(".badge img").evaluate((image) => image.complete && image.naturalWidth > 0), true);
      const tag = await page.getAttribute(".hero .tag", "href");
      await page.goto(server.url + tag);
      assert.equal(await page.locator("li").count(), 1, tag);
      if (page === admin) {
        await page.goto(`${link}${link.includes("?") ? "" : "/edit"}`);
        if (!link.includes("?")) assert.ok(EVIL.includes(await page.inputValue("#f-name")));
      }
    }
    assert.equal(await page.evaluate(() => globalThis.hit), undefined);
  }
  await visitor.goto(`${server.url}/?q=${encodeURIComponent('"><script>globalThis.hit=1</script>')}&tag=%3Cb%3E&after=%22%3E%3Cimg%20src=x%3E`);
  assert.equal(await visitor.evaluate(() => globalThis.hit), undefined);
  assert.equal(await visitor.locator("main img").count(), 0);
  assertQuiet();
});

await test("the policy stops what would slip through", async () => {
  const server = await serve("");
  const page = await open();
  const answer = await page.goto(server.url);
  const headers = answer.headers();
  const policy = headers["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|http:|https:|\*|data:/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "same-origin");
  assert.equal(headers["set-cookie"], undefined, "nobody who only looks gets a cookie");
  const hit = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.hit = 1";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="globalThis.hit=1">`);
    return globalThis.hit;
  });
  assert.equal(hit, undefined);
  await isLive(page);
});

await done();
