// What the panel costs, in headless Chromium: `node bench.mjs [paint|frames|memory|run]`, with THRONG as the journeys have
// it. The figures of docs/panel.md come from here; run it by hand, on a machine that does nothing else.

import { chromium } from "playwright-core";

import { startThrong } from "./throng.mjs";

const wanted = process.argv[2] ?? "";
const HOUR = 3_600;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

const throng = await startThrong();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const tell = (what, figure) => console.log(`${what.padEnd(66)} ${figure}`);

async function openPage() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const tools = await context.newCDPSession(page);
  await tools.send("Performance.enable");
  const metrics = async () => {
    const { metrics } = await tools.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  return { page, tools, metrics, close: () => context.close() };
}

/** A row of a run at 200 events a second, a little different each second. */
function row(second) {
  const wave = 1 + 0.3 * Math.sin(second / 90);
  const us = (value) => Math.round(value * wave);
  const times = { count: 200, mean_us: us(900), min_us: us(300), p50_us: us(800), p75_us: us(1_000), p90_us: us(1_500), p95_us: us(2_200), p99_us: us(5_000), p999_us: us(9_000), max_us: us(12_000) };
  const counts = { offered: 200, sent: 200, succeeded: 198, failed: 2, retried: 0, duplicate: 0, throttled: 0, late: 0, dropped: 0, withheld: 0 };
  const heat = Array.from({ length: 14 }, (_, at) => [30 + at + (second % 7), Math.round(200 / (1 + Math.abs(at - 5)))]);
  return { second, covered_seconds: 1, target_rate: 200, events: counts, requests: counts, in_flight: 3, response_time: times, service_time: times, send_lag: { ...times, p50_us: 40, p99_us: 300 }, failures: { server_error: 2 }, heat, users: 0 };
}

function snapshot(seconds) {
  const all = row(seconds);
  const scaled = Object.fromEntries(Object.entries(all.events).map(([key, value]) => [key, value * seconds]));
  const event_types = Array.from({ length: 12 }, (_, at) => ({ name: `event.${at}`, declared_share: 1 / 12, actual_share: 1 / 12, events: all.events, response_time: all.response_time }));
  return { state: "running", elapsed_seconds: seconds, schedule_seconds: seconds, rate_multiplier: 1, target_rate: 200, current_rate: 198, in_flight: 3, events: scaled, requests: scaled, recent_response_time: all.response_time, response_time: all.response_time, send_lag: all.send_lag, event_types, failures: { server_error: 2 * seconds }, verdict: { status: "valid", reasons: [] } };
}

const RUN = { id: "made-up", scenario: "made-up", profile: null, seed: 1, state: "running", started_at: "2026-01-01T00:00:00Z", ended_at: null, planned_seconds: null, targets: ["http://127.0.0.1:1"] };

/** A page that watches a made-up run with so many seconds behind it; `turn` sends a tick that covers `seconds` more. */
async function watch(behind) {
  const opened = await openPage();
  const { version } = await throng.ask("/api/status");
  await opened.page.route("**/api/status", (route) => route.fulfill({ json: { version, practice_target: null, active_run: RUN.id, latest_run: RUN.id } }));
  let socket;
  let now = behind;
  let sample = 0;
  let greet;
  const greeted = new Promise((resolve) => {
    greet = resolve;
  });
  // In force before the page opens: it asks for its live stream at once.
  await opened.page.routeWebSocket(/api\/live/, (route) => {
    socket = route;
    const timeline = Array.from({ length: behind }, (_, second) => row(second));
    route.send(JSON.stringify({ hello: { version, run: RUN, snapshot: snapshot(behind), timeline, resolution_seconds: 1, changes: [], samples: [] } }));
    greet();
  });
  await opened.page.goto(throng.url);
  await greeted;
  await opened.page.waitForTimeout(1_500);
  const turn = (seconds) => {
    const from = Math.floor(now);
    now += seconds;
    const rows = Array.from({ length: Math.max(1, Math.floor(now) - from) }, (_, at) => row(from + at));
    sample += 1;
    const samples = [{ number: sample, elapsed_seconds: now, label: "event.1", events: 1, request: "POST /", request_body: "{}", status: 200, answer_body: "{}", failure: null, response_time_us: 800 }];
    socket.send(JSON.stringify({ tick: { run: RUN, snapshot: snapshot(Math.floor(now)), rows, changes: [], samples, skipped_ticks: 0 } }));
  };
  return { ...opened, turn };
}

async function paint() {
  const first = [];
  const ready = [];
  for (let load = 0; load < 7; load += 1) {
    const { page, close } = await openPage();
    const started = Date.now();
    await page.goto(throng.url);
    await page.getByTestId("start").waitFor();
    ready.push(Date.now() - started);
    first.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN));
    await close();
  }
  tell("first contentful paint, empty cache, median of 7", `${Math.round(median(first))} ms`);
  tell("Start is there, empty cache, median of 7", `${median(ready)} ms`);
}

async function frames() {
  const { page, metrics, turn, close } = await watch(HOUR);
  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((entry) => entry.duration))).observe({ entryTypes: ["longtask"] });
  });
  const before = await metrics();
  const count = 200;
  for (let tick = 0; tick < count; tick += 1) {
    turn(0.1);
    await page.waitForTimeout(100);
  }
  const after = await metrics();
  const each = (name) => `${(((after[name] - before[name]) * 1_000) / count).toFixed(2)} ms`;
  tell("an hour of data, six charts, 10 updates/s: main thread per update", each("TaskDuration"));
  tell("  of that script (WebAssembly and canvas calls)", each("ScriptDuration"));
  tell("  of that layout and style", `${(((after.LayoutDuration + after.RecalcStyleDuration - before.LayoutDuration - before.RecalcStyleDuration) * 1_000) / count).toFixed(2)} ms`);
  const long = await page.evaluate(() => window.long);
  tell("  tasks above 50 ms in 20 s", String(long.length));
  await close();
}

async function memory() {
  const { page, tools, turn, close } = await watch(60);
  const used = async () => {
    await tools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await tools.send("Runtime.getHeapUsage");
    const { result } = await tools.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
    const { objects } = await tools.send("Runtime.queryObjects", { prototypeObjectId: result.objectId });
    const { result: bytes } = await tools.send("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      functionDeclaration: "function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }",
    });
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    return `JavaScript ${(usedSize / 1e6).toFixed(1)} MB, WebAssembly ${(bytes.value / 1e6).toFixed(1)} MB, ${nodes} elements`;
  };
  // A day in a minute and a half: each tick covers ten seconds.
  for (const hours of [1, 6, 12, 24]) {
    const ticks = { 1: 360, 6: 1_800, 12: 2_160, 24: 4_320 }[hours];
    for (let tick = 0; tick < ticks; tick += 1) {
      turn(10);
      if (tick % 4 === 0) await page.waitForTimeout(10);
    }
    await page.waitForTimeout(1_000);
    tell(`after ${hours} h of a run`, await used());
  }
  await close();
}

async function run() {
  // An event a request, so that the 99th percentile is one of 3,000 and not the slowest of 60.
  const text = "extends: commerce-events\ntargets: {api: {batch: {size: 1}}}\nworkloads: {shop: {load: {rate: 300/s, duration: 10s}}}\n";
  const figures = { open: [], closed: [] };
  const busy = [];
  for (let pair = 0; pair < 6; pair += 1) {
    for (const kind of pair % 2 ? ["open", "closed"] : ["closed", "open"]) {
      const opened = kind === "open" ? await openPage() : undefined;
      if (opened) {
        await opened.page.goto(throng.url);
        await opened.page.getByTestId("start").waitFor();
      }
      // What is measured is a panel that is open, not one that opens.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const before = await opened?.metrics();
      const answer = await fetch(`${throng.url}/api/runs`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ scenario: { text }, practice_target: true, seed: 1 }) });
      const { id } = await answer.json();
      let known;
      do {
        await new Promise((resolve) => setTimeout(resolve, 500));
        known = await throng.ask(`/api/runs/${id}`);
      } while (!["finished", "stopped", "failed"].includes(known.info.state));
      figures[kind].push(known.response_time.p99_us);
      if (opened) busy.push(((await opened.metrics()).TaskDuration - before.TaskDuration) * 100);
      await opened?.close();
    }
  }
  for (const kind of ["closed", "open"]) {
    const all = figures[kind].toSorted((a, b) => a - b);
    tell(`p99 of a run at 300/s, panel ${kind}: median of 6 (lowest to highest)`, `${median(all)} µs (${all[0]} to ${all.at(-1)})`);
  }
  tell("  main thread of that panel, each second, median of 6", `${Math.round(median(busy))} ms`);
}

try {
  for (const [name, measure] of Object.entries({ paint, frames, memory, run })) if (name.includes(wanted)) await measure();
} finally {
  await browser.close();
  await throng.stop();
}
