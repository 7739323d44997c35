// The pictures in docs/images: MISHPULSE_URL=http://... [KEY=...] node screenshots.mjs FOLDER
// Of a server that runs, with whatever services it has; SERVICE names the one whose page is shown.
import { writeFileSync } from "node:fs";
import { done, isLive, KEY, open, signIn } from "./lib.mjs";

const [folder = "."] = process.argv.slice(2);
const { MISHPULSE_URL: url, SERVICE: service = "payments-api" } = process.env;
const WIDE = { viewport: { width: 1120, height: 800 } };
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, isMobile: true };
const LOOKS = { light: WIDE, dark: { ...WIDE, colorScheme: "dark" }, ru: { ...WIDE, locale: "ru-RU" }, phone: PHONE };

for (const [look, options] of Object.entries(LOOKS)) {
  for (const [name, path, height] of [["list", "/", 800], ["service", `/services/${service}`, look === "phone" ? 780 : 1000]]) {
    const page = await open(options);
    if (name === "service" && look === "light") await signIn(page, url, process.env.KEY || KEY);
    await page.setViewportSize({ ...options.viewport, height });
    await page.goto(url + path);
    await isLive(page);
    await page.waitForFunction(() => !document.querySelector(".hit"));
    writeFileSync(`${folder}/${name}-${look}.png`, await page.screenshot());
    await page.context().close();
  }
}
await done();
