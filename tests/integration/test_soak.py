#!/usr/bin/env python3
"""The short forms of tests/chaos/soak.py and tests/bench/idle.py."""
import os
import sys

from lib import ROOT, main, test

sys.path.insert(0, os.path.join(ROOT, "tests", "chaos"))
sys.path.insert(0, os.path.join(ROOT, "tests", "bench"))
import idle  # noqa: E402
import soak  # noqa: E402

SECONDS = float(os.environ.get("PGMOSAIC_SOAK_SECONDS", "30"))
CLIENTS = int(os.environ.get("PGMOSAIC_IDLE_CLIENTS", "1000"))


@test
def disturbed_clients_get_right_answers_or_an_explained_error(cluster):
    counts = soak.soak(cluster, SECONDS, int(os.environ.get("PGMOSAIC_SOAK_SEED", "1")))
    print("#", ", ".join(f"{n} {name}" for name, n in sorted(counts.items())), flush=True)


@test
def many_idle_clients_are_held_and_answered(cluster):
    cluster.sql("DROP TABLE acc")
    idle.prepare(cluster)
    idle.allow_files(CLIENTS + 400)
    figures = idle.measure(cluster, CLIENTS, 50)
    print("#", ", ".join(f"{name} {value:.1f} {unit}" for name, value, unit in figures), flush=True)


if __name__ == "__main__":
    main(soak.start_cluster)
