// What axe-core finds wrong with a page: contrast, names, roles, focus.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Every violation of the page as it stands, dark and light, as a line each; leaves it dark. */
export async function violations(page) {
  const found = [];
  const axe = await readFile(AXE, "utf8");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(async () => {
      const fades = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
      await Promise.allSettled(fades.map((fade) => fade.finished));
    });
    await page.evaluate(axe);
    const report = await page.evaluate(() => window.axe.run(document));
    for (const { id, help, nodes } of report.violations) {
      found.push(`${colorScheme}: ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }
  }
  return found;
}
