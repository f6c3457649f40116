// Bundle the widgets' front end into ../optimlab.js and ../optimlab.css, or into another folder
// given as argument (a test compares the two).
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? dirname(here);

await build({
  absWorkingDir: here,
  entryPoints: { optimlab: join(here, "index.js") },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
});
