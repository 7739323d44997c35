// With a key a person may change things; without one, or from another page, nobody.
import { createServer } from "node:http";
import { assert, assertQuiet, done, isLive, KEY, open, serve, service, signIn, test } from "./lib.mjs";

const CHANNEL = '[channels.ops]\nkind = "webhook"\nurl = "http://127.0.0.1:9/x"\n\n';
const READER = "[keys.wall]\nkey = \"look-look-look-look-look-look-look\"\naccess = \"read\"\n\n";

await test("sign in, add, edit, pause, resume, rotate, delete, sign out", async () => {
  const server = await serve(CHANNEL + service("declared"));
  const page = await open();
  await page.goto(`${server.url}/add`);
  assert.match(page.url(), /\/sign-in\?next=/, "signed out, there is no form");
  await page.fill("#key", "wrong");
  await page.click("form.fields button");
  assert.equal(await page.textContent("[role=alert]"), "This key is not known.");
  await page.fill("#key", KEY);
  await page.click("form.fields button");
  assert.equal(page.url(), `${server.url}/add`, "and then where one wanted to go");
  const [cookie] = await page.context().cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax", "out of reach for scripts and other sites");
  assert.ok(!cookie.value.includes(KEY));

  await page.fill("#f-name", "billing");
  await page.fill("#f-timeout", "soon");
  await page.click(".buttons button");
  assert.match(await page.textContent(".mistake"), /Timeout: Write it such as/);
  assert.equal(await page.inputValue("#f-name"), "billing", "nothing is lost by a mistake");
  await page.fill("#f-timeout", "90s");
  await page.fill("#f-tags", "money, eu");
  await page.check("[name=channels_are][value=own]");
  await page.check("[name=channels][value=ops]");
  await page.click(".buttons button");
  assert.match(await page.textContent(".notice"), /is made/);
  const url = (await page.locator("pre").first().textContent()).trim();
  assert.match(url, /\/api\/heartbeat\/[0-9a-f-]{36}$/);
  assert.equal((await fetch(url)).status, 200);
  await page.waitForSelector(".hero[data-s=alive]");
  assert.deepEqual(await page.locator(".hero .tag").allTextContents(), ["money", "eu"]);
  for (const tool of ["curl", "cron", "Rust", "Python", "systemd"]) {
    assert.ok((await page.locator("details", { hasText: tool }).first().textContent()).includes(url), tool);
  }

  await page.click("text=Pause");
  await page.waitForSelector(".hero[data-s=paused]");
  await page.click("text=Resume");
  await page.waitForSelector(".hero[data-s=alive]");

  await page.click(".actions >> text=Edit");
  assert.equal(await page.inputValue("#f-timeout"), "1m30s");
  await page.fill("#f-name", "billing 2");
  await page.click(".buttons button");
  await page.waitForURL(/billing%202/);
  assert.equal(await page.textContent("#name"), "billing 2");
  await page.click(".actions >> text=Edit");
  await page.fill("#f-name", "declared");
  await page.click(".buttons button");
  assert.match(await page.textContent(".mistake"), /Another service has this name/);
  await page.goto(`${server.url}/services/billing%202`);

  await page.click("text=New URL");
  await page.click("form.fields button");
  assert.match(await page.textContent("[role=alert]"), /Tick the box/);
  await page.check("[name=sure]");
  await page.click("form.fields button");
  assert.equal((await fetch(url)).status, 403, "the old URL no longer works");
  const fresh = (await page.locator("pre").first().textContent()).trim();
  assert.equal((await fetch(fresh)).status, 200);

  await page.click(".actions >> text=Delete");
  await page.check("[name=sure]");
  await page.click("form.fields button");
  assert.match(await page.textContent(".notice"), /Deleted/);
  assert.equal((await fetch(fresh)).status, 403);

  await page.click("text=Sign out");
  await page.waitForSelector("text=Sign in");
  await page.goto(`${server.url}/services/declared`);
  assert.equal(await page.locator(".actions, pre").count(), 0, "signed out, nothing is to be changed and no URL shown");
  await page.context().addCookies([cookie]);
  await page.reload();
  assert.equal(await page.locator(".actions").count(), 0, "a session that was signed out is over");
  assertQuiet(/403|422/);
});

await test("a form from elsewhere is refused", async () => {
  const server = await serve(service("api"));
  await server.beat("api");
  const page = await open();
  await signIn(page, server.url);
  const action = `${server.url}/services/api/pause`;
  const [cookie] = await page.context().cookies();
  const session = { cookie: `${cookie.name}=${cookie.value}` };
  const post = (headers, body = "") =>
    fetch(action, { method: "POST", redirect: "manual", body, headers: { "content-type": "application/x-www-form-urlencoded", ...headers } });
  await page.goto(`${server.url}/services/api`);
  const csrf = await page.getAttribute(".actions [name=csrf]", "value");
  assert.equal((await post(session)).status, 403, "without the form's token");
  assert.equal((await post(session, "csrf=0000")).status, 403, "with a wrong one");
  assert.equal((await post({}, `csrf=${csrf}`)).status, 403, "without the session");
  assert.equal((await post({ ...session, origin: "https://evil.example" }, `csrf=${csrf}`)).status, 403, "from another origin");
  assert.equal((await post({ ...session, "sec-fetch-site": "cross-site" }, `csrf=${csrf}`)).status, 403, "from another site");

  // Another site, in the same browser, with all that it can do.
  const evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<form method="post" action="${action}"><input name="csrf" value="x"></form><script>document.forms[0].submit()</script>`);
  });
  await new Promise((resolve) => evil.listen(0, "127.0.0.2", resolve));
  await page.goto(`http://127.0.0.2:${evil.address().port}/`);
  await page.waitForURL(action);
  assert.match(await page.textContent("main"), /did not come from this page/);
  evil.close();
  const [row] = await (await fetch(`${server.url}/api/status`)).json();
  assert.equal(row.status, "alive");
  assert.equal((await post(session, `csrf=${csrf}`)).status, 303, "and the right one is taken");
});

await test("a closed page opens for holders of a key", async () => {
  const server = await serve(`status_access = "key"\n${READER}${service("secret-name")}`);
  const page = await open();
  for (const path of ["/", "/services/secret-name", "/services/none"]) {
    const answer = await page.goto(server.url + path);
    assert.match(page.url(), /\/sign-in\?next=/);
    assert.ok(!(await answer.text()).includes("secret-name</"), path);
  }
  for (const path of ["/events", "/api/status"]) assert.equal((await fetch(server.url + path)).status, 401);
  await signIn(page, server.url, "look-look-look-look-look-look-look");
  await page.goto(`${server.url}/services/secret-name`);
  await isLive(page);
  assert.equal(await page.locator(".actions, pre").count(), 0, "a key for looking changes nothing");
  const csrf = await page.getAttribute(".top [name=csrf]", "value");
  const status = await page.evaluate(async (csrf) => {
    const body = new URLSearchParams({ csrf });
    return (await fetch("/services/secret-name/pause", { method: "POST", body })).status;
  }, csrf);
  assert.equal(status, 403);
  assert.equal((await page.goto(`${server.url}/api/status`)).status(), 200);
});

await test("channels are listed, and a test says how it went", async () => {
  const got = [];
  const hook = createServer((request, answer) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk)).on("end", () => {
      got.push(JSON.parse(text));
      answer.end();
    });
  });
  await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${hook.address().port}/`;
  const server = await serve(`${CHANNEL}[channels.good]\nkind = "webhook"\nurl = "${url}"\n`);
  const page = await open();
  await signIn(page, server.url);
  await page.click("text=Channels");
  await page.click("[aria-label='Send a test: good']");
  assert.match(await page.textContent("[role=alert]"), /good: The test was accepted/);
  assert.equal(got.length, 1);
  await page.click("[aria-label='Send a test: ops']");
  assert.match(await page.textContent("[role=alert]"), /ops: The test was not accepted: .*refused/i);
  hook.close();
});

await done();
