// Bad input and bad luck: texts that cannot be read, far too long ones, runs and runners that go away. Each has a clear
// state, and nothing is lost.

import assert from "node:assert/strict";

import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("trouble");

const has = (locator, part) => async () => (await locator.innerText()).includes(part);
const text = () => stage.page.getByTestId("text");
const notice = () => stage.page.getByTestId("notice");

/** Puts a text into the editor as a paste does. */
const paste = (value) =>
  text().evaluate((area, value) => {
    area.value = value;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);

step("a text that cannot be read leaves the form as it was and says where", async ({ page }) => {
  await page.goto("/#/scenarios");
  await page.getByTestId("new-scenario").click();
  await page.getByTestId("new-name").fill("broken");
  await page.getByTestId("create-scenario").click();
  await eventually("it is open", () => text().isVisible());
  const good = await text().inputValue();
  await text().fill(`${good}workloads: {shop: [\n`);
  await eventually("the form says so", has(notice().first(), "cannot be read"));
  assert.equal(await page.getByTestId("field-workloads.shop.load.rate").inputValue(), "10/s", "the form stays");
  assert.equal(await page.getByTestId("run-this").isEnabled(), false);
  assert.equal(await page.getByTestId("send-one").isEnabled(), false);
  await text().fill(good);
  await eventually("it is mended", has(page.getByTestId("problems"), "it can run"));
});

step("a paste of more than 5 MB is refused in words, and the page goes on", async ({ page }) => {
  const good = await text().inputValue();
  await paste("a: 1\n".repeat(1_200_000));
  await eventually("it is refused", has(notice().first(), "a scenario has at most 5"));
  assert.equal(await text().inputValue(), good, "what was there stays");
  assert.match(await page.getByTestId("problems").innerText(), /it can run/);
});

step("a long text that is only wrong is told so within moments", async ({ page }) => {
  const good = await text().inputValue();
  await paste(`${good}notes:\n${"  - a line of a long paste\n".repeat(20_000)}`);
  await eventually("the problem is there", has(page.getByTestId("problems"), "`notes` is not known"));
  await paste(good);
  await eventually("it is mended", has(page.getByTestId("problems"), "it can run"));
});

step("a run that is deleted under one's eyes is said to be gone, and what was seen stays", async ({ page, throng }) => {
  await page.goto("/#/run");
  await page.getByTestId("start").click();
  await eventually("it runs", has(page.getByTestId("run-state"), "running"));
  await page.getByTestId("stop").click();
  await eventually("it is stopped", has(page.getByTestId("run-state"), "stopped"));
  const [run] = await throng.ask("/api/runs");
  await page.goto(`/#/run/${run.info.id}`);
  await eventually("it is shown", has(page.getByTestId("run-state"), "stopped"));
  await fetch(`${throng.url}/api/runs/${run.info.id}`, { method: "DELETE" });
  await eventually("it is gone", has(notice().first(), "does not exist"));
  stage.browser.complaints.length = 0; // the browser notes the 404 that told so
  await keepPicture(page, "10-gone");
});

step("another version asks for a reload", async ({ page }) => {
  await page.route("**/api/status", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: { ...(await answer.json()), version: "9.9.9" } });
  });
  await page.goto("/#/run");
  await eventually("it says so", has(notice().first(), "The runner is version 9.9.9"));
  await page.unroute("**/api/status");
  await eventually("it takes it back", async () => (await notice().count()) === 0);
});

step("a runner that is killed and started again is found again, with the run up to its last second", async ({ page, throng, browser }) => {
  await page.goto("/#/run");
  await page.getByTestId("start").click();
  await eventually("it runs", has(page.getByTestId("run-state"), "running"));
  await eventually("seconds are stored", async () => {
    const [run] = await throng.ask("/api/runs");
    return run.totals.events.succeeded > 15;
  });
  const again = await throng.kill();
  await eventually("the page says so", has(notice().first(), "does not answer"));
  await keepPicture(page, "11-away");
  stage.throng = await again();
  await eventually("the run is shown as interrupted", has(page.getByTestId("run-state"), "interrupted"));
  const [run] = await stage.throng.ask("/api/runs");
  assert.equal(run.info.state, "interrupted");
  assert.ok(run.totals.events.succeeded > 15, "what was stored is there");
  assert.ok(run.spark.length > 0, "and drawn in the list");
  browser.complaints.length = 0; // a refused connection is what this step is about
  await page.goto("/#/history");
  await eventually("it is in the history", has(page.getByTestId("history"), "interrupted"));
  await page.goto("/#/run");
  await eventually("the next can be started", () => page.getByTestId("start").isEnabled());
});
