// A run that somebody else started, seen in the panel: what runs, and after it whether what was acknowledged is there.

import assert from "node:assert/strict";

import { violations } from "../accessibility.mjs";
import { keepPicture } from "../browser.mjs";
import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const { stage, step } = journey("delivery");

const TEXT = `
name: audited
extends: commerce-events
workloads: {shop: {load: {rate: 100/s, duration: 4s}}}
outputs: {ledger: {}}
checks: [{audit: {settle: 1s, lost: 0}}]
`;

const send = (method, path, body) =>
  fetch(stage.throng.url + path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

async function start() {
  const answer = await send("POST", "/api/runs", { scenario: { text: TEXT }, practice_target: true, seed: 1 });
  assert.equal(answer.status, 201, await answer.clone().text());
}

const audits = () => stage.page.getByTestId("audits");
const says = (words) => async () => (await audits().count()) === 1 && (await audits().innerText()).includes(words);

step("the pickers say what runs, whoever started it", async ({ page }) => {
  await page.goto("/");
  await eventually("a run can be started", () => page.getByTestId("start").isEnabled());
  assert.equal(await page.getByTestId("scenario").inputValue(), "commerce-events");
  await start();
  await eventually("the run is seen", async () => (await page.getByTestId("scenario").inputValue()) === "audited");
  assert.equal(await page.getByTestId("profile").inputValue(), "");
});

step("after it, the sink is asked, and agrees", async ({ page }) => {
  await eventually("the audit is made", says("the sink agrees"));
  assert.equal(await page.getByTestId("scenario").inputValue(), "commerce-events", "what was chosen is chosen again");
});

step("a sink that forgets what it acknowledged is found out", async ({ page }) => {
  await send("POST", "/api/target/reset");
  await send("PUT", "/api/target/settings", { forget_rate: 0.2 });
  await start();
  await eventually("the difference is told", says("the sink differs"));
  const text = await audits().innerText();
  assert.match(text, /lost/);
  assert.match(text, /throng explain /);
  assert.deepEqual(await violations(page), []);
  await keepPicture(page, "12-delivery");
});
