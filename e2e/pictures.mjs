// Pictures of every page at three widths, dark and light, for people to look at: `node pictures.mjs [PART OF A NAME]`.
// Needs THRONG as the journeys do; the pictures are in output/pages/.

import { mkdir } from "node:fs/promises";

import { OUTPUT, openPage } from "./browser.mjs";
import { eventually } from "./conditions.mjs";
import { startThrong } from "./throng.mjs";

const WIDTHS = [390, 1280, 1920];
const FOLDER = `${OUTPUT}pages/`;
const wanted = process.argv[2] ?? "";

// Everything that a Run page can show: thresholds that hold and one that does not, faults, failures, two workloads.
const BUSY = `
name: busy
extends: commerce-events
faults: {flaky: [{duplicate: {p: 0.05}}, {corrupt: {p: 0.02}}]}
workloads:
  shop: {faults: flaky, load: {rate: 60/s, duration: 5m}}
checks: [{threshold: "p(95)<300ms"}, {threshold: "p(99)<12ms"}, {threshold: "error_rate<1%"}]
`;

const PAGES = [
  { name: "scenarios", address: "/#/scenarios", ready: "scenario-card" },
  { name: "editor", address: "/#/scenarios/commerce-events", ready: "text" },
  { name: "editor-graph", address: "/#/scenarios/freshmart", ready: "text" },
  { name: "editor-sessions", address: "/#/scenarios/web-analytics", ready: "text" },
  { name: "history", address: "/#/history", ready: "history-row" },
  { name: "target", address: "/#/target", ready: "account" },
  { name: "run", address: "/#/run", ready: "chart-throughput" },
];

const throng = await startThrong();
const { page, close } = await openPage(throng.url);
await mkdir(FOLDER, { recursive: true });

async function shoot(name) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(300);
      await page.screenshot({ path: `${FOLDER}${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  console.log(name);
}

const send = (method, path, body) =>
  fetch(throng.url + path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

try {
  await page.goto("/");
  await eventually("Start can be pressed", () => page.getByTestId("start").isEnabled());
  if ("empty".includes(wanted)) await shoot("empty");
  await send("PUT", "/api/target/settings", { latency_p50_ms: 3, latency_p99_ms: 40, error_rate: 0.03, spike_rate: 0.01, spike_ms: 300 });
  const answer = await send("POST", "/api/runs", { scenario: { text: BUSY }, practice_target: true });
  if (!answer.ok) throw new Error(await answer.text());
  const { id } = await answer.json();
  await page.waitForTimeout(20_000);
  await send("POST", `/api/runs/${id}/commands`, { set_rate_multiplier: { multiplier: 2 } });
  await page.waitForTimeout(10_000);
  for (const { name, address, ready } of PAGES) {
    if (!name.includes(wanted)) continue;
    await page.goto(address);
    await eventually(`${name} is there`, () => page.getByTestId(ready).first().isVisible());
    await shoot(name);
  }
  // One run over several protocols.
  if ("mixed".includes(wanted)) {
    await send("POST", `/api/runs/${id}/commands`, "abort");
    await page.waitForTimeout(2_000);
    const mixed = { scenario: { named: "stream-testbench" }, profile: "mixed", practice_target: true };
    const begun = await send("POST", "/api/runs", mixed);
    if (!begun.ok) throw new Error(await begun.text());
    await page.goto("/#/run");
    await page.waitForTimeout(20_000);
    await shoot("mixed");
  }
} finally {
  await close();
  await throng.stop();
}
