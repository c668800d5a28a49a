// Making a scenario one's own: start from a built-in, break a field, mend it, save, run it.

import assert from "node:assert/strict";

import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("own-scenario");

const RATE = "workloads.shop.load.rate";
const field = (path) => stage.page.getByTestId(`field-${path}`);
const problemBeside = (path) => stage.page.locator(`[id="field-${path}-problem"]`);
const has = (locator, part) => async () => (await locator.innerText()).includes(part);

step("the built-ins are there to start from", async ({ page }) => {
  await page.goto("/#/scenarios");
  await eventually("commerce-events is listed", has(page.getByTestId("built-in-scenarios"), "commerce-events"));
  await page.getByTestId("new-scenario").click();
  await page.getByTestId("new-name").fill("rush-hour");
  await page.getByTestId("new-base").selectOption("commerce-events");
  await page.getByTestId("create-scenario").click();
  await eventually("the new scenario is open", has(page.getByTestId("edit-state"), "saved"));
  assert.equal(await page.getByTestId("run-this").isEnabled(), true);
});

step("nonsense in a field has its problem beside it", async ({ page }) => {
  await field(RATE).fill("a lot");
  await eventually("the problem says what to write", has(problemBeside(RATE), "10/s"));
  assert.equal(await field(RATE).getAttribute("aria-invalid"), "true");
  assert.match(await page.getByTestId("problems").innerText(), /1 problem/);
  assert.equal(await page.getByTestId("run-this").isEnabled(), false);
  await keepPicture(page, "4-problem");
});

step("mended, the problem goes, and the text says what the form says", async ({ page }) => {
  await field(RATE).fill("25/s");
  await eventually("the problem is gone", async () => (await problemBeside(RATE).innerText()) === "");
  await eventually("nothing else is wrong", has(page.getByTestId("problems"), "it can run"));
  assert.match(await page.getByTestId("text").inputValue(), /rate: ["']?25\/s/);
});

step("an edit of the text is shown in the form", async ({ page }) => {
  const text = await page.getByTestId("text").inputValue();
  await page.getByTestId("text").fill(text.replace("25/s", "40/s"));
  await eventually("the form follows", async () => (await field(RATE).inputValue()) === "40/s");
});

step("saved, it is in the runner", async ({ page, throng }) => {
  await page.getByTestId("save").click();
  await eventually("it is saved", async () => (await page.getByTestId("edit-state").innerText()) === "saved");
  const { text, built_in } = await throng.ask("/api/scenarios/rush-hour");
  assert.equal(built_in, false);
  assert.match(text, /40\/s/);
});

step("run from here, the run has its rate", async ({ page, throng }) => {
  await page.getByTestId("run-this").click();
  await eventually("the run is running", has(page.getByTestId("run-state"), "running"));
  await eventually("it plans what was written", has(page.getByTestId("tile-rate"), "of 40 planned"));
  await page.getByTestId("stop").click();
  await eventually("the run is stopped", has(page.getByTestId("run-state"), "stopped"));
  const [run] = await throng.ask("/api/runs");
  assert.equal(run.info.scenario, "rush-hour");
  assert.equal(run.totals.events.offered, run.totals.events.sent + run.totals.events.dropped);
});

step("the history has it", async ({ page }) => {
  await page.goto("/#/history");
  await eventually("the run is listed", has(page.getByTestId("history"), "rush-hour"));
  await keepPicture(page, "5-history");
});
