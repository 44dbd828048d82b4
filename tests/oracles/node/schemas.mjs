// Checks values against the JSON schemas of @slack/types; a schema is made once and kept beside the packages.
// Usage: node schemas.mjs FOLDER_OF_PACKAGES < [{"shape": "Blocks" or "Shown", "value": ...}]; prints a list of flaws each.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder] = process.argv.slice(2);
const load = createRequire(`${folder}/package.json`);
const ENTRY = `import { KnownBlock, View } from "@slack/types";
export type Blocks = KnownBlock[];
export type Shown = View;
`;

function schema() {
  const name = createHash("sha256").update(ENTRY).digest("hex").slice(0, 12);
  const kept = `${folder}/schema-${name}.json`;
  if (!existsSync(kept)) {
    const entry = `${folder}/entry-${name}-${process.pid}.ts`;
    writeFileSync(entry, ENTRY);
    const { createGenerator } = load("ts-json-schema-generator");
    const made = createGenerator({ path: entry, type: "*", skipTypeCheck: true, additionalProperties: false }).createSchema("*");
    writeFileSync(`${entry}.json`, JSON.stringify(made));
    renameSync(`${entry}.json`, kept);
  }
  return JSON.parse(readFileSync(kept, "utf8"));
}

const Ajv = load("ajv").default;
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(schema(), "slack");
const checks = {};
for (const shape of ["Blocks", "Shown"]) checks[shape] = ajv.compile({ $ref: `slack#/definitions/${shape}` });

// Of a union every member complains; the complaint that reached deepest is about the one that was meant.
function flaws({ shape, value }) {
  if (checks[shape](value)) return [];
  const depth = (error) => error.instancePath.split("/").length;
  const errors = checks[shape].errors.toSorted((one, other) => depth(other) - depth(one));
  return errors.slice(0, 3).map((error) => `@slack/types: ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(flaws)));
