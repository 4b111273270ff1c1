"use strict";
// The scenario for programs in JavaScript: its files read, its lines printed.
const fs = require("fs");
const path = require("path");

const lines = (name) => fs.readFileSync(path.join(process.env.SCENARIO, name), "utf8").split("\n").slice(0, -1);

const casts = {
  int8: (v) => v, int4: (v) => Number(v), text: (v) => v, null: () => null, "int8[]": (v) => v.split(","),
};
const cast = (text) => {
  const at = text.indexOf(":");
  return casts[text.slice(0, at)](text.slice(at + 1));
};

exports.schema = () => lines("schema.sql").filter((l) => !l.startsWith("--")).join("\n").split(/;\n|;$/).filter((s) => s.trim());

exports.statements = () => lines("statements.tsv").map((line) => {
  const [name, sql, params] = line.split("\t");
  return { name, sql, params: params.split("|").filter((p) => p).map(cast) };
});

exports.values = () => lines("values.tsv").map((line, i) => {
  const at = line.indexOf("\t");
  const literal = line.slice(at + 1);
  return { number: i + 1, column: `"${line.slice(0, at)}"`, literal: literal === "\\N" ? null : literal };
});

const shown = (value) => typeof value === "string" ? value : JSON.stringify(value, (_, v) =>
  typeof v === "bigint" ? `${v}n` : typeof v === "number" && !Number.isFinite(v) ? String(v) : v);

exports.say = (name, value) =>
  console.log(`${name}: ${shown(value)}`.replaceAll("\\", "\\\\").replaceAll("\n", "\\n"));

exports.runParts = async (conn, parts) => {
  for (const part of parts) {
    try {
      await part(conn);
    } catch (e) {
      exports.say(`${part.name} ended by`, String(e.message).split("\n")[0]);
    }
  }
};
