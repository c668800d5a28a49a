// Starts a real runner with its practice target on free ports and an empty data directory.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts `throng serve`; resolves once it has printed the address of its panel. */
export async function startThrong({ data: known, port = 0 } = {}) {
  const program = process.env.THRONG;
  if (!program) throw new Error("THRONG is not set; run the journeys by `cargo xtask test browser`");
  const data = known ?? (await mkdtemp(join(tmpdir(), "throng-journey-")));
  const flags = ["--bind", `127.0.0.1:${port}`, "--practice-bind", "127.0.0.1:0", "--data-dir", data];
  const child = spawn(program, ["serve", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let said = "";

  const url = await new Promise((resolve, reject) => {
    // Standard output has the address and nothing else; the practice target's is told on the error stream.
    let printed = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
      printed += chunk;
      const address = printed.match(/http:\/\/\S+(?=\n)/);
      if (address) resolve(address[0]);
    });
    child.stderr.on("data", (chunk) => (said += chunk));
    child.on("error", reject);
    exited.then(([code]) => reject(new Error(`throng serve ended with ${code}:\n${said}`)));
  });

  return {
    url,
    /** Asks the API; throws unless it succeeds. */
    async ask(path) {
      const answer = await fetch(url + path);
      if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`);
      return answer.json();
    },
    /** Kills it, so that it can say nothing and write nothing; resolves with what starts it again in the same place. */
    async kill() {
      child.kill("SIGKILL");
      await exited;
      return () => startThrong({ data, port: new URL(url).port });
    },
    /** Stops it as Ctrl-C would; resolves with its exit code. */
    async stop() {
      child.kill("SIGINT");
      const [code] = await exited;
      await rm(data, { recursive: true, force: true });
      return code;
    },
  };
}
