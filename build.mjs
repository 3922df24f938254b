// Bundles every script of static/js and the one style sheet into static/dist, named by content.
// manifest.json there says which name each one has now; pages ask for `asset("upload.js")`.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

const DIST = "static/dist";

const scripts = (await readdir("static/js"))
  .filter((name) => name.endsWith(".js"))
  .map((name) => `static/js/${name}`);

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST, { recursive: true });

const { metafile } = await build({
  entryPoints: [...scripts, "static/css/app.css"],
  entryNames: "[name]-[hash]",
  outdir: DIST,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  legalComments: "none",
  metafile: true,
});

const manifest = {};
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) manifest[basename(entryPoint)] = basename(path);
}
// Last, because its presence says that everything else is there.
await writeFile(`${DIST}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
