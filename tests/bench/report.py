#!/usr/bin/env python3
"""Print the tables of scripts/bench from its JSON lines: medians over the rounds, and ratios.

usage: report.py RESULTS.jsonl
"""
import collections
import json
import statistics
import sys

SYSTEMS = "direct", "pgbouncer", "pgmosaic"


class Results:
    def __init__(self, lines):
        self.values = collections.defaultdict(list)
        self.errors = []
        for line in lines:
            row = json.loads(line)
            if row.get("error"):
                self.errors.append(f"{row['name']}, {row['tag']}: {row['error']}")
                continue
            for key, value in row.items():
                if isinstance(value, (int, float)):
                    self.values[row["name"], row["tag"], key].append(value)

    def median(self, system, tag, key):
        values = self.values.get((system, tag, key))
        return statistics.median(values) if values else None

    def tags(self, key):
        """The tags that have the key, in the order they were first run."""
        return list(dict.fromkeys(tag for _, tag, k in self.values if k == key))


def ratio(a, b):
    return a / b if a is not None and b else None


def cell(value, form):
    return "-" if value is None else format(value, form)


def table(title, heads, rows):
    print(f"\n{title}")
    widths = [max(len(str(line[i])) for line in [heads, *rows]) for i in range(len(heads))]
    for line in [heads, ["-" * w for w in widths], *rows]:
        first, *rest = [str(c) for c in line]
        print("  ".join([first.ljust(widths[0])] + [c.rjust(w) for c, w in zip(rest, widths[1:])]))


def throughput(results):
    heads = ["8 clients", "direct TPS", "PgBouncer", "/direct", "pgmosaic", "/direct",
             "CPU/100k PgBouncer", "pgmosaic", "/PgBouncer"]
    rows = []
    for tag in (t for t in results.tags("tps") if t.endswith("c=8")):
        tps = [results.median(s, tag, "tps") for s in SYSTEMS]
        cpu = [results.median(s, tag, "mid_per_100k") for s in SYSTEMS]
        rows.append([tag, cell(tps[0], ",.0f"),
                     cell(tps[1], ",.0f"), cell(ratio(tps[1], tps[0]), ".2f"),
                     cell(tps[2], ",.0f"), cell(ratio(tps[2], tps[0]), ".2f"),
                     cell(cpu[1], ".2f"), cell(cpu[2], ".2f"), cell(ratio(cpu[2], cpu[1]), ".2f")])
    table("Transactions per second; CPU seconds of the middle per 100,000 transactions", heads, rows)


def latency(results):
    heads = ["1 client", "direct ms", "PgBouncer", "pgmosaic", "/PgBouncer"]
    rows = []
    for tag in (t for t in results.tags("latency_ms") if t.endswith("c=1")):
        ms = [results.median(s, tag, "latency_ms") for s in SYSTEMS]
        rows.append([tag, *(cell(m, ".3f") for m in ms), cell(ratio(ms[2], ms[1]), ".2f")])
    table("Latency", heads, rows)


def queries(results):
    heads = ["query", "direct s", "PgBouncer", "pgmosaic", "/direct",
             "CPU s PgBouncer", "pgmosaic", "/PgBouncer"]
    rows = []
    for tag in results.tags("wall"):
        wall = [results.median(s, tag, "wall") for s in SYSTEMS]
        cpu = [results.median(s, tag, "mid") for s in SYSTEMS]
        rows.append([tag, *(cell(w, ".3f") for w in wall), cell(ratio(wall[2], wall[0]), ".2f"),
                     cell(cpu[1], ".2f"), cell(cpu[2], ".2f"), cell(ratio(cpu[2], cpu[1]), ".2f")])
    table("Queries over all rows, each in a fresh psql session", heads, rows)


def first_row(results):
    heads = ["first row", "direct ms", "PgBouncer", "pgmosaic"]
    rows = [[tag, *(cell(results.median(s, tag, "first_ms"), ".2f") for s in SYSTEMS)]
            for tag in results.tags("first_ms")]
    table("Milliseconds to the first row", heads, rows)


def main():
    with open(sys.argv[1]) as lines:
        results = Results(lines)
    for part in throughput, latency, queries, first_row:
        part(results)
    for error in dict.fromkeys(results.errors):
        print(f"FAILED: {error}")
    return bool(results.errors)


if __name__ == "__main__":
    sys.exit(main())
