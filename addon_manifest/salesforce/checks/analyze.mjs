// Runs PMD's and Salesforce's own rules for AppExchange and security over the package; exit 1 names each violation.
import { fileURLToPath } from "node:url";
import core from "@salesforce/code-analyzer-core";
import pmd from "@salesforce/code-analyzer-pmd-engine";
import regex from "@salesforce/code-analyzer-regex-engine";

const PACKAGE = fileURLToPath(new URL("../force-app", import.meta.url));
const FEWEST_RULES = 80; // fewer were selected than there are: a rule that is not asked finds nothing
const SELECTED = ["pmd:AppExchange", "pmd:Security", "pmd:Recommended", "regex:all"];

const analyzer = new core.CodeAnalyzer(core.CodeAnalyzerConfig.withDefaults());
await analyzer.addEnginePlugin(pmd.createEnginePlugin());
await analyzer.addEnginePlugin(regex.createEnginePlugin());
const workspace = await analyzer.createWorkspace([PACKAGE]);
const rules = await analyzer.selectRules(SELECTED, { workspace });
const results = await analyzer.run(rules, { workspace });
const violations = results.getViolations();
for (const each of violations) {
    const place = each.getPrimaryLocation();
    console.error(`${place.getFile()}:${place.getStartLine()} ${each.getRule().getName()}: ${each.getMessage()}`);
}
console.log(`${rules.getCount()} rules of PMD and AppExchange, ${violations.length} violations`);
process.exit(violations.length > 0 || rules.getCount() < FEWEST_RULES ? 1 : 0);
