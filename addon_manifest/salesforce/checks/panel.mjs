// Compiles the panel with LWC's own compiler into one script that shows it in a page: node checks/panel.mjs FILE
import { fileURLToPath } from "node:url";
import { rollup } from "rollup";
import compiled from "@lwc/rollup-plugin";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PANEL = here("../force-app/main/default/lwc/trueDuePanel/trueDuePanel.js");
const ENGINE = here("../node_modules/@lwc/engine-dom/dist/index.js");
const CALLS = JSON.stringify(here("stubs/apex/calls.js"));
const MODULES = {
    page: `
        import { createElement } from "lwc";
        import TrueDuePanel from "c/trueDuePanel";
        const panel = createElement("c-true-due-panel", { is: TrueDuePanel });
        panel.recordId = new URL(location).searchParams.get("record");
        document.querySelector("main").appendChild(panel);`,
    "@salesforce/apex": `export { refreshApex } from ${CALLS};`,
    "@salesforce/i18n/locale": `export default "en-GB";`,
    "@salesforce/apex/TrueDuePanel.show": `export { Show as default } from ${CALLS};`,
    "@salesforce/apex/TrueDuePanel.tell": `export { tell as default } from ${CALLS};`,
    "@salesforce/apex/TrueDuePanel.promise": `export { promise as default } from ${CALLS};`,
    "@salesforce/apex/TrueDuePanel.ask": `export { ask as default } from ${CALLS};`,
    "@salesforce/apex/TrueDueStatement.print": `export { print as default } from ${CALLS};`
};
// What begins with a zero character is nobody else's: no other plugin looks at it.
const stubs = {
    name: "stubs",
    resolveId: (name) => (name === "lwc" ? ENGINE : name in MODULES ? `\0${name}` : null),
    load: (id) => MODULES[id.slice(1)] ?? null
};

const bundle = await rollup({
    input: "page",
    plugins: [
        stubs,
        compiled({
            modules: [{ name: "c/trueDuePanel", path: PANEL }, { dir: here("stubs") }],
            rootDir: here("..")
        })
    ],
    onwarn: (warning) => {
        throw new Error(warning.message);
    }
});
// The engine asks Node in which mode it runs; a browser has no answer of its own.
const intro = `const process = { env: { NODE_ENV: "production" } };`;
await bundle.write({ file: process.argv[2], format: "iife", intro });
