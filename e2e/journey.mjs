// A journey: steps that build on each other, on one runner and one page, from opening it to closing it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { OUTPUT, openPage } from "./browser.mjs";
import { startThrong } from "./throng.mjs";

/** Prepares a journey; `stage` holds its runner, browser and page once the first step begins. */
export function journey(name) {
  const stage = { throng: undefined, browser: undefined, page: undefined };
  let broken = false;

  before(async () => {
    stage.throng = await startThrong();
    stage.browser = await openPage(stage.throng.url);
    stage.page = stage.browser.page;
  });

  after(async () => {
    await stage.browser?.close();
    await stage.throng?.stop();
  });

  /** One step; after one that fails the rest is left, as it would only fail for want of it. */
  function step(claim, act) {
    test(claim, async (context) => {
      if (broken) return context.skip("an earlier step failed");
      try {
        await act(stage);
        assert.deepEqual(stage.browser.complaints, [], "the browser has nothing to complain about");
      } catch (error) {
        broken = true;
        await stage.page?.screenshot({ path: `${OUTPUT}${name}-failed.png` });
        throw error;
      }
    });
  }

  return { stage, step };
}
