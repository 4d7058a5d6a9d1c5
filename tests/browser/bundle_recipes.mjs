// Bundles the components of docs/sdk.md, as an application would: node bundle_recipes.mjs FOLDER, in which they stand as
// Notes.jsx, Notes.svelte and Notes.vue. Writes react.js, svelte.js and vue.js there: each exports `mount(target, log)`, which
// returns what takes it away.
import { readFile } from "node:fs/promises";
import { compileScript, parse } from "@vue/compiler-sfc";
import { build } from "esbuild";
import { compile } from "svelte/compiler";

const [folder] = process.argv.slice(2);

const MOUNTS = {
  react: `import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    import { Notes } from "./Notes.jsx";
    export function mount(target, log) {
      const root = createRoot(target);
      root.render(createElement(Notes, { log }));
      return () => root.unmount();
    }`,
  svelte: `import { mount as mountOne, unmount } from "svelte";
    import Notes from "./Notes.svelte";
    export function mount(target, log) {
      const notes = mountOne(Notes, { target, props: { log } });
      return () => unmount(notes);
    }`,
  vue: `import { createApp } from "vue";
    import Notes from "./Notes.vue";
    export function mount(target, log) {
      const app = createApp(Notes, { log });
      app.mount(target);
      return () => app.unmount();
    }`,
};

const components = {
  name: "components",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js, warnings } = compile(await readFile(path, "utf8"), { filename: path });
      return { contents: js.code, warnings: warnings.map(({ message }) => ({ text: message })), resolveDir: process.cwd() };
    });
    onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { descriptor, errors } = parse(await readFile(path, "utf8"), { filename: path });
      if (errors.length > 0) throw errors[0];
      const { content } = compileScript(descriptor, { id: "notes", inlineTemplate: true });
      return { contents: content, resolveDir: process.cwd() };
    });
  },
};

for (const [name, contents] of Object.entries(MOUNTS)) {
  const { warnings } = await build({
    stdin: { contents, resolveDir: folder },
    outfile: `${folder}/${name}.js`,
    bundle: true,
    format: "esm",
    jsx: "automatic",
    nodePaths: ["node_modules"],
    conditions: ["browser"],
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "false",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    plugins: [components],
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
}
