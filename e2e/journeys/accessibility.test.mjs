// Every page, with and without something on it, against what axe-core knows of accessibility.

import assert from "node:assert/strict";

import { violations } from "../accessibility.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("accessibility");

const isThere = (id) => () => stage.page.getByTestId(id).first().isVisible();
const nothingIsWrong = async (page) => assert.deepEqual(await violations(page), []);

/** Goes through a page by Tab: each stop is in view and has a ring, and there is an end. */
async function everyStopCanBeSeen(page) {
  await page.locator(".skip").focus();
  for (let stops = 0; stops < 200; stops += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const focused = document.activeElement;
      if (!focused || focused === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(focused);
      const { width, top, bottom } = focused.getBoundingClientRect();
      const isSeen = width > 0 && bottom > 0 && top < innerHeight;
      return { what: focused.outerHTML.slice(0, 120), hasRing: outlineStyle !== "none" && parseFloat(outlineWidth) > 0, isSeen };
    });
    if (!stop) return assert.ok(stops > 8, `${stops} stops are too few`);
    assert.ok(stop.hasRing && stop.isSeen, JSON.stringify(stop));
  }
  assert.fail("the Tab key found no end");
}

step("the Run page before the first run", async ({ page }) => {
  await page.goto("/");
  await eventually("Start can be pressed", () => page.getByTestId("start").isEnabled());
  await nothingIsWrong(page);
  await everyStopCanBeSeen(page);
});

step("the Run page while a run goes on", async ({ page }) => {
  await page.getByTestId("start").click();
  await eventually("a request was answered", async () => /[1-9]\d* answered/.test(await page.getByTestId("tile-in-flight").innerText()));
  // The buttons have changed their colours by then.
  await page.waitForTimeout(500);
  for (let look = 0; look < 10; look += 1) {
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0, "nothing moves by itself while figures change");
    await page.waitForTimeout(50);
  }
  await nothingIsWrong(page);
  await page.getByTestId("stop").click();
  await eventually("it is stopped", async () => (await page.getByTestId("run-state").innerText()) === "stopped");
});

step("the gallery and the dialog that imports", async ({ page }) => {
  await page.goto("/#/scenarios");
  await eventually("the scenarios are listed", isThere("scenario-card"));
  await nothingIsWrong(page);
  await everyStopCanBeSeen(page);
  await page.getByTestId("import-scenario").click();
  await nothingIsWrong(page);
  await page.keyboard.press("Escape");
});

step("the editor", async ({ page }) => {
  await page.goto("/#/scenarios/commerce-events");
  await eventually("the text is there", isThere("text"));
  await nothingIsWrong(page);
  await everyStopCanBeSeen(page);
});

step("the history and what is kept with a run", async ({ page }) => {
  await page.goto("/#/history");
  await eventually("the run is listed", isThere("history-row"));
  await nothingIsWrong(page);
  await everyStopCanBeSeen(page);
  await page.getByTestId("run-about-open").first().click();
  await nothingIsWrong(page);
  await page.keyboard.press("Escape");
});

step("the practice target", async ({ page }) => {
  await page.goto("/#/target");
  await eventually("its account is there", isThere("account"));
  await nothingIsWrong(page);
  await everyStopCanBeSeen(page);
});
