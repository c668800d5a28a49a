// Looking back: two runs, tagged and pinned, found by their words, compared, downloaded; a scenario imported, changed,
// renamed, deleted and put back.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("history");

const has = (locator, part) => async () => (await locator.innerText()).includes(part);
const rows = () => stage.page.getByTestId("history-row");
const isStopped = has({ innerText: () => stage.page.getByTestId("run-state").innerText() }, "stopped");

/** Lets the chosen scenario run until something was answered, then stops it. */
async function runOnce(page) {
  await page.goto("/#/run");
  await page.getByTestId("start").click();
  await eventually("it runs", has(page.getByTestId("run-state"), "running"));
  await eventually("some requests were answered", async () => /[1-9]\d* answered/.test(await page.getByTestId("tile-in-flight").innerText()));
}

/** Saves what a click downloads; gives its text. */
async function downloaded(page, id) {
  const download = page.waitForEvent("download");
  await page.getByTestId(id).click();
  return readFile(await (await download).path(), "utf8");
}

step("Start pressed as soon as it can be is not refused", async ({ page }) => {
  await page.goto("/");
  await runOnce(page);
  assert.equal(await page.getByTestId("notice").count(), 0, "nothing was refused");
});

step("the mix of the run that goes on is steered", async ({ page, throng }) => {
  const field = page.locator("[data-testid^=steer-mix-]").first();
  const name = (await field.getAttribute("data-testid")).replace("steer-mix-", "");
  await field.fill("0");
  await field.press("Enter");
  await eventually("the change is on record", has(page.getByTestId("changes"), name));
  await page.getByTestId("stop").click();
  await eventually("it is stopped", isStopped);
  const [run] = await throng.ask("/api/runs");
  const { changes } = await throng.ask(`/api/runs/${run.info.id}/result`);
  assert.equal(changes[0].command.set_weights.weights[name], 0);
});

step("a run gets a tag, a note and is pinned", async ({ page, throng }) => {
  await runOnce(page);
  await page.getByTestId("stop").click();
  await eventually("it is stopped", isStopped);
  await page.goto("/#/history");
  await eventually("both runs are listed", async () => (await rows().count()) === 2);
  await rows().last().getByTestId("run-about-open").click();
  await page.getByTestId("run-tags").fill("nightly, before the fix");
  await page.getByTestId("run-note").fill("the disk was full");
  await page.getByTestId("run-baseline").check();
  await page.getByTestId("keep-labels").click();
  await eventually("the row says so", has(rows().last(), "before the fix"));
  const [, older] = await throng.ask("/api/runs");
  assert.deepEqual(older.labels, { tags: ["nightly", "before the fix"], note: "the disk was full", baseline: true });
});

step("a search finds it by its note", async ({ page }) => {
  await page.getByTestId("search").fill("disk nightly");
  await eventually("one run is left", async () => (await rows().count()) === 1);
  await page.getByTestId("search").fill("");
  await eventually("both are back", async () => (await rows().count()) === 2);
});

step("the report and the table can be downloaded", async ({ page }) => {
  await rows().first().getByTestId("run-about-open").click();
  assert.match(await downloaded(page, "download-html"), /<html/i);
  assert.match(await downloaded(page, "download-csv"), /second/);
  await page.keyboard.press("Escape");
});

step("two runs are compared with the pinned one", async ({ page, throng }) => {
  for (const box of await page.getByTestId("choose-run").all()) await box.check();
  await page.getByTestId("compare").click();
  await eventually("a sentence says what changed", async () => (await page.getByTestId("comparison-summary").innerText()).length > 20);
  const [newer, older] = await throng.ask("/api/runs");
  const asked = await throng.ask(`/api/compare?baseline=${older.info.id}&candidate=${newer.info.id}`);
  assert.equal((await page.getByTestId("comparison-summary").innerText()).toLowerCase(), `${asked.summary}.`.toLowerCase());
  assert.equal(await page.locator("svg.overlay").first().locator("path.overlay-line").count(), 2);
  await keepPicture(page, "6-compare");
});

step("a pasted text becomes a scenario, problems and all", async ({ page }) => {
  await page.goto("/#/scenarios");
  await page.getByTestId("import-scenario").click();
  await page.getByTestId("import-text").fill("extends: commerce-events\nprofile: quick_test\nworkloads: {shop: {load: {rate: lots}}}\n");
  await page.getByTestId("new-name").fill("pasted");
  await page.getByTestId("create-scenario").click();
  await eventually("it is open with its problem", has(page.getByTestId("problems"), "1 problem"));
});

step("the difference to the saved one is shown, and the text exported", async ({ page }) => {
  const text = await page.getByTestId("text").inputValue();
  await page.getByTestId("text").fill(text.replace("lots", "12/s"));
  await page.getByTestId("show-difference").click();
  await eventually("the new rate is an added line", has(page.getByTestId("difference"), "+ workloads: {shop: {load: {rate: 12/s}}}"));
  await page.keyboard.press("Escape");
  assert.match(await downloaded(page, "export-scenario"), /12\/s/);
});

step("an edit that is not saved outlives a reload", async ({ page }) => {
  await page.reload();
  await eventually("it is back", async () => (await page.getByTestId("text").inputValue()).includes("12/s"));
  await page.getByTestId("save").click();
  await eventually("it is saved", async () => (await page.getByTestId("edit-state").innerText()) === "saved");
});

step("renamed, it has one name only", async ({ page, throng }) => {
  await page.getByTestId("rename").click();
  await page.getByTestId("new-name").fill("morning");
  await page.getByTestId("create-scenario").click();
  await eventually("the new one is open", async () => page.url().endsWith("/morning"));
  await eventually("the old one is gone", async () => {
    const own = (await throng.ask("/api/scenarios")).filter((known) => !known.built_in);
    return own.length === 1 && own[0].name === "morning";
  });
});

step("deleted, it can be put back", async ({ page, throng }) => {
  await page.getByTestId("delete-scenario").click();
  await page.getByTestId("confirm-delete-scenario").click();
  await page.getByTestId("undo-delete").click();
  await eventually("it is back", has(page.getByTestId("own-scenarios"), "morning"));
  assert.match((await throng.ask("/api/scenarios/morning")).text, /12\/s/);
});
