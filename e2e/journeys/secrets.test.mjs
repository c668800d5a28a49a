// Secrets of the runner's environment: requests carry them, the page never does.

import assert from "node:assert/strict";

import { eventually } from "../conditions.mjs";
import { journey } from "../journey.mjs";

const KEY = "proj_9876543210_planted";
const HEADER = "planted-header-77";
// The runner is given what this process has.
process.env.PLANTED_KEY = KEY;
process.env.PLANTED_HEADER = HEADER;

const SCENARIO = `extends: commerce-events
targets:
  api:
    auth: {api_key: {value: "\${env.PLANTED_KEY}"}}
    headers: {X-Planted: "\${env.PLANTED_HEADER}"}
    batch: {size: 1}
workloads: {shop: {load: {rate: 20/s, duration: 3s}}}
`;

const { step } = journey("secrets");

/** What the page is made of, what was typed into it, and what it keeps. */
const everything = (page) =>
  page.evaluate(() =>
    [
      document.documentElement.outerHTML,
      ...[...document.querySelectorAll("input, textarea")].map((field) => field.value),
      JSON.stringify({ ...localStorage, ...sessionStorage }),
      document.cookie,
      location.href,
    ].join("\n"),
  );

async function holdsNone(page, where) {
  const held = await everything(page);
  for (const secret of [KEY, HEADER]) {
    for (const form of [secret, btoa(secret), encodeURIComponent(secret)]) {
      assert.ok(!held.includes(form), `${form} is in ${where}`);
    }
  }
}

step("a run with secrets shows its requests without them", async ({ page, throng }) => {
  await page.goto("/");
  const started = await fetch(`${throng.url}/api/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ scenario: { text: SCENARIO }, practice_target: true }),
  });
  assert.equal(started.status, 201, await started.clone().text());
  const { id } = await started.json();
  await eventually("it is over", async () => (await throng.ask(`/api/runs/${id}`)).info.state === "finished");
  const result = await throng.ask(`/api/runs/${id}/result`);
  assert.ok(result.totals.events.succeeded > 20, "the key was good, so that it travelled");
  await page.goto(`/#/run/${id}`);
  await page.reload();
  await eventually("its requests are listed", async () => (await page.getByTestId("sample").count()) > 0);
  await page.getByTestId("sample").first().click();
  await eventually("one is shown", async () => (await everything(page)).includes("POST http"));
  await holdsNone(page, "the run");
  await page.goto("/#/history");
  await eventually("it is listed", async () => (await everything(page)).includes("commerce-events"));
  await holdsNone(page, "the history");
});

step("a scenario with secrets is edited, tried and made into commands without them", async ({ page, throng }) => {
  const answer = await fetch(`${throng.url}/api/scenarios/planted`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: SCENARIO }),
  });
  assert.ok(answer.ok, `${answer.status}: ${await answer.text()}`);
  await page.goto("/#/scenarios/planted");
  await page.reload();
  await eventually("it can be tried", () => page.getByTestId("test-connection").isEnabled());
  await page.getByTestId("send-one").click();
  await eventually("it is shown", async () => (await page.getByTestId("tried-event").count()) > 0);
  await eventually("there are commands", async () => (await page.getByTestId("command").count()) > 0);
  assert.match(await everything(page), /env\.PLANTED_KEY/, "the reference is there");
  await holdsNone(page, "the editor");
});
