// Every page, as axe-core judges it, and by keyboard alone.
import { assert, assertAccessible, assertQuiet, done, isLive, open, serve, service, signIn, test } from "./lib.mjs";

const CONFIG = '[channels.ops]\nkind = "webhook"\nurl = "http://127.0.0.1:9/x"\n\n' + service("alive") +
  service("sick", 'tags = ["eu", "prod"]\ndescription = "Why it is there."') + service("warm") + service("fresh") +
  service("gone", 'timeout = "100ms"') + service("asleep");

async function prepared() {
  const server = await serve(CONFIG);
  for (let n = 0; n < 5; n++) await server.beat("alive");
  await server.beat("gone");
  await server.beat("sick", "error", "disk full");
  await server.beat("warm", "warning", "disk 91%");
  const admin = await open();
  await signIn(admin, server.url);
  await admin.goto(`${server.url}/services/asleep`);
  await admin.click("button:has-text('Pause')");
  await admin.waitForSelector("[data-s=paused]");
  return { server, cookies: await admin.context().cookies() };
}

const LOOKS = {
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  Russian: { locale: "ru-RU" },
};
const OPEN = ["/", "/?status=dead,error&tag=eu&q=x", "/services/sick", "/services/alive", "/services/gone", "/services/none", "/sign-in"];
const SIGNED_IN = ["/", "/services/sick", "/services/fresh", "/services/asleep", "/add", "/services/sick/edit", "/services/sick/delete",
  "/services/sick/rotate", "/channels"];

await test("axe-core finds nothing on any page", async () => {
  const { server, cookies } = await prepared();
  let pages = 0;
  for (const [look, options] of Object.entries(LOOKS)) {
    for (const [paths, session] of [[OPEN, []], [SIGNED_IN, cookies]]) {
      const page = await open({ bypassCSP: true, ...options });
      await page.context().addCookies(session);
      for (const path of paths) {
        await page.goto(server.url + path);
        if (await page.locator("body[data-feed]").count()) await isLive(page);
        await assertAccessible(page, `${path} (${look}${session.length ? ", signed in" : ""})`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} (${look}) is ${wide} px too wide`);
        pages++;
      }
      await page.context().close();
    }
  }
  console.log(`${pages} pages without a violation`);
  assertQuiet(/404/);
});

await test("the keyboard reaches everything, and the first stop skips to the content", async () => {
  const { server } = await prepared();
  const page = await open();
  await page.goto(server.url);
  await isLive(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const reached = new Set();
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => document.activeElement.getAttribute("href") || document.activeElement.name);
    reached.add(stop);
  }
  for (const stop of ["q", "/?status=dead", "/services/gone", "/services/sick", "/?tag=eu", "/services/alive"]) {
    assert.ok(reached.has(stop), `${stop} among ${[...reached]}`);
  }
  const spoken = await page.locator("#trouble").ariaSnapshot();
  assert.match(spoken, /list/);
  assert.match(spoken, /dead/);
});

await done();
