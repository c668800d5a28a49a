// Trying a scenario out before it runs: is its target there, and what does it say to one event; the next events as curl.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { violations } from "../accessibility.mjs";
import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("try-out");

const trial = () => stage.page.getByTestId("trial");
const has = (locator, part) => async () => (await locator.innerText()).includes(part);

step("the practice target answers", async ({ page, throng }) => {
  await page.goto("/#/scenarios/commerce-events");
  await eventually("it can be tried", () => page.getByTestId("test-connection").isEnabled());
  const colours = await page.locator(".paint").evaluate((paint) => ({
    words: paint.textContent === document.querySelector("[data-testid=text]").value,
    keys: paint.querySelectorAll(".hl-key").length,
  }));
  assert.ok(colours.words && colours.keys > 50, "the text is drawn in its colours, and whole");
  await page.getByTestId("test-connection").click();
  await eventually("it answers", has(trial(), "answers after"));
  assert.equal(await page.getByTestId("tried-target").count(), 1);
  assert.equal((await throng.ask("/api/target")).account.accepted, 0, "a look sends no event");
});

step("one event of a kind is sent, and its answer shown", async ({ page, throng }) => {
  const kinds = await page.getByTestId("try-event").locator("option").allInnerTexts();
  assert.equal(kinds[0], "one of each kind");
  await page.getByTestId("try-event").selectOption(kinds[1]);
  await page.getByTestId("send-one").click();
  await eventually("it is shown", has(page.getByTestId("tried-event"), kinds[1]));
  assert.equal(await page.getByTestId("tried-event").count(), 1);
  const { account } = await throng.ask("/api/target");
  assert.deepEqual(account.event_types, { [kinds[1]]: 1 }, "the target's own account");
  assert.match(await page.getByTestId("tried-event").innerText(), /POST http/);
  assert.deepEqual(await violations(page), []);
  await keepPicture(page, "7-try");
});

step("the next events can be copied as commands, and the command sends that event", async ({ page, throng }) => {
  const command = await page.getByTestId("command").first().innerText();
  assert.match(command, /^curl -X POST/);
  await page.getByTestId("copy-command").first().click();
  await eventually("it is copied", has(page.getByTestId("copy-command").first(), "Copied"));
  // The practice target takes it, whoever sends it.
  const { url } = await throng.ask("/api/target");
  const before = (await throng.ask("/api/target")).account.accepted;
  execFileSync("sh", ["-c", command.replace("http://localhost:8010", url)], { env: { ...process.env, API_KEY: "proj_0123456789_secret" } });
  assert.equal((await throng.ask("/api/target")).account.accepted, before + 1);
});

step("a refusal is told from a success", async ({ page, throng }) => {
  const settings = { error_rate: 1, error_statuses: { 503: 1 } };
  await fetch(`${throng.url}/api/target/settings`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  await page.getByTestId("send-one").click();
  await eventually("the status is there", has(trial(), "503, not counted as success"));
});

step("a target that is not there is named", async ({ page, browser }) => {
  await page.getByTestId("duplicate").click();
  await page.getByTestId("new-name").fill("nowhere");
  await page.getByTestId("create-scenario").click();
  await eventually("it is open", async () => page.url().endsWith("/nowhere"));
  await page.getByTestId("field-targets.api.url").fill("http://127.0.0.1:1");
  await page.getByLabel("practice target").uncheck();
  await eventually("it can be tried", () => page.getByTestId("test-connection").isEnabled());
  const giveKey = async (key) => {
    await page.getByTestId("key-api").fill(key);
    await page.getByTestId("key-api").blur();
  };
  await giveKey("mistyped");
  await page.getByTestId("test-connection").click();
  await eventually("a key that is none is told so", has(page.getByTestId("try"), "does not look like one"));
  browser.complaints.length = 0; // the browser notes the refusal
  await giveKey("proj_0123456789_secret");
  await page.getByTestId("test-connection").click();
  await eventually("it says so", has(trial(), "gave up after"));
});
