// A headless Chromium whose complaints fail the journey.

import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where screenshots go. */
export const OUTPUT = new URL("output/", import.meta.url).pathname;

/** Opens a page on a runner. */
export async function openPage(url) {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const page = await browser.newPage({ baseURL: url, viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  page.setDefaultTimeout(10_000);
  await mkdir(OUTPUT, { recursive: true });

  // Whatever the browser complains about, in its own words.
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`not caught: ${error}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    // A page that is left takes its requests with it.
    if (reason !== "net::ERR_ABORTED") complaints.push(`${request.method()} ${request.url()}: ${reason}`);
  });

  // What the runner says over the live stream, parsed, newest last.
  const frames = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => frames.push(JSON.parse(payload)));
    socket.on("socketerror", (error) => complaints.push(`live stream: ${error}`));
  });

  return { page, complaints, frames, close: () => browser.close() };
}

/** Keeps what the page looks like, dark and light; leaves it dark. */
export async function keepPicture(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // Colours fade from one scheme to the other, and charts are painted a frame later.
    await page.evaluate(async () => {
      const fades = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
      await Promise.allSettled(fades.map((fade) => fade.finished));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    });
    await page.screenshot({ path: `${OUTPUT}${name}-${colorScheme}.png` });
  }
}
