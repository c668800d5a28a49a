// Waiting for what should come true, instead of for time to pass.

/** Longest that anything may take to come true. */
const PATIENCE_MS = 20_000;

/** Resolves with what `read` returns as soon as it is truthy; fails with `what` and the last value otherwise. */
export async function eventually(what, read) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`never came true: ${what}; last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
