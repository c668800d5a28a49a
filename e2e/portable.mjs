// Runs a test program that was compiled for wasm32-unknown-unknown. It imports nothing; a failed assertion traps.

import { readFile } from "node:fs/promises";

const [path] = process.argv.slice(2);
const module = await WebAssembly.compile(await readFile(path));
const { exports } = await WebAssembly.instantiate(module, {});
process.exitCode = exports.main(0, 0);
