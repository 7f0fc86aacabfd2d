// Builds static/css/portal.css and the scripts of static/js. The output is committed, so that running the portal needs no Node.
// No source maps: Django's manifest storage rewrites a sourceMappingURL and fails when the map is not there.
import { readFile, writeFile, mkdir } from "node:fs/promises"
import * as esbuild from "esbuild"
import * as sass from "sass"

const here = (path) => new URL(path, import.meta.url)
const banner = "Built by frontend/build.mjs. Forms: govuk-frontend, MIT licence, Crown copyright."
const target = ["chrome109", "firefox115", "safari16"]

await mkdir(here("../static/css/"), { recursive: true })
await mkdir(here("../static/js/"), { recursive: true })

const styles = await sass.compileAsync(here("portal.scss").pathname, {
  loadPaths: [here("node_modules").pathname],
  quietDeps: true,
  style: "expanded",
})
// govuk-frontend writes its own palette behind every custom property as a fallback; ours are always defined (see _tokens.scss).
const own = styles.css.replace(/var\((--govuk-[a-z-]+),\s*[^()]+\)/g, "var($1)")
const { code } = await esbuild.transform(own, { loader: "css", minify: true, target })
await writeFile(here("../static/css/portal.css"), `/* ${banner} */\n${code}`)

await esbuild.build({
  entryPoints: [here("exit.js").pathname, here("balance.js").pathname],
  outdir: here("../static/js").pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target,
  legalComments: "none",
  banner: { js: `/* ${banner} */` },
})

for (const file of ["css/portal.css", "js/exit.js", "js/balance.js"]) {
  const { length } = await readFile(here(`../static/${file}`))
  console.log(`${file}  ${length} bytes`)
}
