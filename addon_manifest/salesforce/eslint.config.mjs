import lwc from "@salesforce/eslint-config-lwc/recommended.js";
import globals from "globals";

export default [
    ...lwc,
    { files: ["checks/**", "**/__tests__/**", "jest.config.js"], languageOptions: { globals: { ...globals.node, ...globals.jest } } }
];
