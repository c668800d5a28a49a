// The first minute: open, start, watch, pause, resume, change the rate, reload, stop, download the result.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("first-run");

const text = (id) => stage.page.getByTestId(id).innerText();
const state = () => text("run-state");
const number = (words) => Number(words.replaceAll(/[^\d.]/g, ""));

/** Requests answered so far, as the panel says it. */
async function answered() {
  const found = (await text("tile-in-flight")).match(/([\d,.  ]+) answered/);
  return found ? number(found[1]) : 0;
}

/** The rate that the schedule asks for, as the panel says it. */
async function plannedRate() {
  const found = (await text("tile-rate")).match(/of ([\d,.  ]+) planned/);
  return found ? number(found[1]) : 0;
}

/** Whether anything is painted on a chart. */
const isPainted = (id) =>
  stage.page.getByTestId(`chart-${id}`).locator("canvas").first().evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]},${data[at + 3]}`);
    return colours.size > 4;
  });

const moreThan = (least) => async () => (await answered()) > least && (await answered());

step("the panel opens and is ready to start", async ({ page }) => {
  await page.goto("/");
  assert.match(await page.title(), /Throng/);
  await eventually("Start can be pressed", () => page.getByTestId("start").isEnabled());
  assert.equal(await page.getByTestId("pause").isEnabled(), false);
  await keepPicture(page, "1-before");
});

step("live numbers move after Start", async ({ page }) => {
  await page.getByTestId("profile").selectOption("quick_test");
  await page.getByTestId("start").click();
  await eventually("the run is running", async () => (await state()) === "running");
  const first = await eventually("a request was answered", moreThan(0));
  await eventually("more requests were answered", moreThan(first));
  const sent = async () => number(await page.getByTestId("event-types").locator("tbody td").first().innerText());
  const newest = async () => number(await page.getByTestId("samples").locator("tbody td").first().innerText());
  const before = await eventually("the first event type has a row", async () => (await page.getByTestId("event-types").locator("tbody td").count()) > 0 && sent());
  const at = await eventually("a request is listed", async () => (await page.getByTestId("samples").locator("tbody td").count()) > 0 && newest());
  await eventually("the table of event types goes on", async () => (await sent()) > before);
  await eventually("newer requests are listed", async () => (await newest()) > at);
  await eventually("the throughput chart is painted", () => isPainted("throughput"));
  await eventually("the response time chart is painted", () => isPainted("response-time"));
});

step("numbers rest while paused and move again after", async ({ page, browser }) => {
  await page.getByTestId("pause").click();
  await eventually("the run is paused", async () => (await state()) === "paused");
  await eventually("every answer is home", async () => (await text("tile-in-flight-value")).trim() === "0");
  const [count, clock, ticks] = [await answered(), await text("elapsed"), browser.frames.length];
  await eventually("a second of ticks has come", () => browser.frames.length >= ticks + 10);
  assert.equal(await answered(), count);
  assert.equal(await text("elapsed"), clock);
  await page.getByTestId("resume").click();
  await eventually("the run is running", async () => (await state()) === "running");
  await eventually("more requests were answered", moreThan(count));
});

step("the rate follows the hand", async ({ page }) => {
  const planned = await plannedRate();
  await page.getByTestId("rate").fill("3");
  await page.getByTestId("rate").press("Enter");
  await eventually("the planned rate is three times the first", async () => {
    return Math.abs((await plannedRate()) / planned - 3) < 0.05;
  });
  await eventually("the change is on record", async () => (await text("changes")).includes("3"));
  await eventually("the events follow", async () => number(await text("tile-rate-value")) > planned * 2);
  await keepPicture(page, "2-during");
});

step("a reload in the middle of a run loses nothing", async ({ page, browser }) => {
  const count = await answered();
  browser.frames.length = 0;
  await page.reload();
  await eventually("the same run is shown", moreThan(count - 1));
  assert.equal(await state(), "running");
  assert.equal(number(await page.getByTestId("rate").inputValue()), 3);
  const { hello } = await eventually("the run's history came", () => browser.frames.find((frame) => frame.hello));
  const seconds = hello.timeline.map((row) => row.second);
  assert.deepEqual(seconds, [...seconds.keys()], "a row for each second from the first");
  const changes = hello.changes.map((change) => Object.keys(change.command)[0] ?? change.command);
  assert.equal(changes.length, 3, "pause, resume and the rate are known");
});

step("after Stop the result adds up and agrees with the target", async ({ page, throng }) => {
  await page.getByTestId("stop").click();
  await eventually("the run is stopped", async () => (await state()) === "stopped");
  const download = page.waitForEvent("download");
  await page.getByTestId("download").click();
  const result = JSON.parse(await readFile(await (await download).path(), "utf8"));
  await keepPicture(page, "3-after");

  for (const [name, counts] of [["events", result.totals.events], ["requests", result.totals.requests]]) {
    assert.equal(counts.offered, counts.sent + counts.dropped, `${name} offered`);
    assert.equal(counts.sent, counts.succeeded + counts.failed, `${name} sent`);
  }
  const events = result.totals.events;
  const sum = (rows, read) => rows.reduce((total, row) => total + read(row), 0);
  assert.ok(events.succeeded > 0);
  assert.equal(sum(result.event_types, (row) => row.events.succeeded), events.succeeded, "event types add up");
  assert.equal(sum(result.timeline, (row) => row.events.sent), events.sent, "seconds add up");
  assert.equal(result.changes.length, 4, "pause, resume, rate, stop");

  const { account } = await throng.ask("/api/target");
  assert.equal(account.accepted, events.succeeded, "the target's own account");
  for (const row of result.event_types) {
    assert.equal(account.event_types[row.name] ?? 0, row.events.succeeded, `the target's account of ${row.name}`);
  }
  assert.equal(await answered(), result.totals.requests.sent, "the panel shows the result's count");
});
