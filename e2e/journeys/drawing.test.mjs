// Editing by pointing and by keyboard: weights that make room, pages and ways in the drawing, templates that complete
// themselves. The text says what the drawing says.

import assert from "node:assert/strict";

import { violations } from "../accessibility.mjs";
import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("drawing");

const TEXT = `extends: commerce-events
events:
  seen: {topic: page_events, body: {page: "\${page}"}}
behaviors:
  visit:
    session:
      step: {enter: seen}
      graph:
        $start: {/home: 1}
        /home: {/cart: 0.5, $end: 0.5}
        /cart: {$end: 1}
workloads:
  tour: {behavior: visit, load: {rate: 1/s, duration: 1m}}
`;

const text = () => stage.page.getByTestId("text").inputValue();
const says = (part) => async () => (await text()).includes(part);
const place = (name) => stage.page.locator(`.node[data-id="${name}"]`);
const way = (from, to) => stage.page.locator(`.way[data-id="${from} → ${to}"]`);

step("a graph of pages is drawn", async ({ page }) => {
  await page.goto("/#/scenarios");
  await page.getByTestId("import-scenario").click();
  await page.getByTestId("import-text").fill(TEXT);
  await page.getByTestId("new-name").fill("drawn");
  await page.getByTestId("create-scenario").click();
  await eventually("the pages are there", () => place("/cart").isVisible());
  assert.equal(await page.locator(".way").count(), 4);
  await keepPicture(page, "8-graph");
});

step("a way is made likelier by its keys, and the focus stays", async ({ page }) => {
  await way("/home", "/cart").focus();
  for (let press = 0; press < 3; press += 1) {
    await page.keyboard.press("ArrowUp");
    await eventually("it follows", says(`/cart: 0.5${press + 1}`));
  }
  assert.ok((await text()).includes("/home: {/cart: 0.53, $end: 0.47}"), await text());
});

step("a page is put in and a way drawn to it", async ({ page }) => {
  await place("/cart").click();
  await page.getByTestId("new-place").fill("/pay.html");
  await page.getByTestId("new-place").press("Enter");
  await eventually("it is in the text", says("/pay.html: {$end: 1}"));
  const [from, to] = [await place("/home").boundingBox(), await place("/pay.html").boundingBox()];
  await page.mouse.move(from.x + 30, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(to.x + 30, to.y + 20, { steps: 5 });
  await page.mouse.up();
  await eventually("the way is there", says("/pay.html: 0.33"));
  await page.getByTestId("way-share").fill("10");
  await page.getByTestId("way-share").press("Tab");
  await eventually("the share is exact", says("/pay.html: 0.1}"));
  assert.deepEqual(await violations(page), []);
});

step("a page is taken out by a key, with the ways to it", async ({ page }) => {
  await place("/pay.html").focus();
  await page.keyboard.press("Delete");
  await eventually("nothing of it is left", async () => !(await text()).includes("pay.html"));
  assert.ok(await eventually("nothing is wrong", async () => (await page.getByTestId("problems").innerText()).includes("it can run")));
});

step("weights of an inherited mix are sliders that sum, by keyboard too", async ({ page }) => {
  const sliders = page.getByTestId("weights").first().locator("input[type=range]");
  const shares = async () => {
    const all = await sliders.evaluateAll((inputs) => inputs.map((input) => Number(input.value)));
    return all.reduce((sum, value) => sum + value, 0);
  };
  const before = await shares();
  await sliders.first().focus();
  for (let press = 0; press < 5; press += 1) await page.keyboard.press("ArrowRight");
  await eventually("the text has weights now", says("weights:"));
  assert.ok(Math.abs((await shares()) - before) <= 6, "rounded to the slider's places, they sum to the same");
});

step("a dollar offers what a template can say", async ({ page }) => {
  const area = page.getByTestId("text");
  await area.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("pools:\n  colours: {inline: [{name: $pi");
  await eventually("it is offered", () => page.getByTestId("completion").isVisible());
  assert.match(await page.getByTestId("completion").innerText(), /\$pick/);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Enter");
  await eventually("it is written", says("name: {$pick: [red, green]}"));
  assert.equal(await page.getByTestId("completion").count(), 0);
  await eventually("it is explained", async () => (await page.getByTestId("template-help").innerText()).includes("$pick"));
  await keepPicture(page, "9-completion");
});

step("a long pool can be asked for what fits, and Escape says no", async ({ page }) => {
  await page.keyboard.press("Control+End");
  await page.keyboard.type(", code: $");
  await eventually("it is offered", () => page.getByTestId("completion").isVisible());
  await page.keyboard.press("Escape");
  assert.equal(await page.getByTestId("completion").count(), 0);
  await page.keyboard.type("he");
  await page.keyboard.press("Control+Space");
  await eventually("asked for, it is back", () => page.getByTestId("completion").isVisible());
  await page.keyboard.press("Tab");
  await eventually("it is written", says("{$hex: 12}"));
});
