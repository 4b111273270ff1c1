#!/usr/bin/env python3
"""Run something and charge CPU time to process trees (Linux /proc). One JSON line per run.

  measure.py pgbench --name N --tag T --port P [--db D] [--user U] [--mid PID ...] -- PGBENCH ARGS
  measure.py query   --name N --tag T --port P [--db D] [--user U] [--mid PID ...] [--reps 3] -- FILE.sql
  measure.py cmd     --name N --tag T [--mid PID ...] [--reps 3] -- COMMAND

--mid names what stands between client and server, --back the servers' postmasters. The CPU of a
tree is utime+stime of every live process in it plus what its members have reaped, so connections
that ended in between count. PG_BIN is the folder of pgbench and psql; PGPASSWORD is theirs.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
PG_BIN = os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin")


def processes():
    """{pid: (parent, ticks of it and of the children it has reaped)}"""
    table = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open(f"/proc/{pid}/stat").read()
        except OSError:
            continue  # ended meanwhile
        fields = stat[stat.rindex(")") + 2:].split()
        table[int(pid)] = int(fields[1]), sum(map(int, fields[11:15]))
    return table


def cpu_seconds(roots):
    if not roots:
        return 0.0
    table, total, seen, todo = processes(), 0, set(), list(roots)
    while todo:
        pid = todo.pop()
        if pid in seen or pid not in table:
            continue
        seen.add(pid)
        total += table[pid][1]
        todo += [child for child, (parent, _) in table.items() if parent == pid]
    return total / TICKS


def run(args, command, stdout=subprocess.PIPE):
    """(finished process, wall seconds, CPU of the middle, CPU of the servers)"""
    mid, back, start = cpu_seconds(args.mid), cpu_seconds(args.back), time.monotonic()
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    wall = time.monotonic() - start
    time.sleep(0.15)  # let back ends exit and be reaped
    return done, wall, cpu_seconds(args.mid) - mid, cpu_seconds(args.back) - back


def number(pattern, text):
    match = re.search(pattern, text)
    return float(match.group(1)) if match else 0.0


def last_line(text):
    return (text.strip().splitlines() or ["no message"])[-1][:300]


def measure_pgbench(args, connect):
    command = [f"{PG_BIN}/pgbench", "-n", *connect, *args.rest, args.db]
    done, _, mid, back = run(args, command)
    count = number(r"actually processed: (\d+)", done.stdout)
    failed = done.returncode != 0 or count == 0
    per_100k = 1e5 / count if count else 0
    return dict(tps=round(number(r"tps = ([\d.]+)", done.stdout)), count=int(count),
                latency_ms=number(r"latency average = ([\d.]+)", done.stdout),
                mid_per_100k=round(mid * per_100k, 3), back_per_100k=round(back * per_100k, 3),
                error=last_line(done.stderr) if failed else "")


def measure_repeated(args, command):
    """The median run of several."""
    runs = []
    for _ in range(args.reps):
        done, wall, mid, back = run(args, command, subprocess.DEVNULL)
        runs.append((wall, mid, back))
        if done.returncode:
            return dict(error=last_line(done.stderr))
    wall, mid, back = sorted(runs)[len(runs) // 2]
    return dict(wall=round(wall, 4), mid=round(mid, 3), back=round(back, 3), error="")


def measure_query(args, connect):
    sql = open(args.rest[0]).read()
    return measure_repeated(args, [f"{PG_BIN}/psql", "-qXAt", "-v", "ON_ERROR_STOP=1", *connect,
                                   "-d", args.db, "-c", sql])


def read_arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("mode", choices=["pgbench", "query", "cmd"])
    parser.add_argument("--name", required=True)
    parser.add_argument("--tag", default="")
    parser.add_argument("--port", default="6432")
    parser.add_argument("--db", default="app")
    parser.add_argument("--user", default="app")
    parser.add_argument("--mid", type=int, nargs="*", default=[])
    parser.add_argument("--back", type=int, nargs="*", default=[])
    parser.add_argument("--reps", type=int, default=3)
    words = sys.argv[1:]
    split = words.index("--")
    args = parser.parse_args(words[:split])
    args.rest = words[split + 1:]
    return args


def main():
    args = read_arguments()
    connect = ["-h", "127.0.0.1", "-p", args.port, "-U", args.user]
    if args.mode == "pgbench":
        result = measure_pgbench(args, connect)
    elif args.mode == "query":
        result = measure_query(args, connect)
    else:
        result = measure_repeated(args, args.rest)
    print(json.dumps(dict(name=args.name, tag=args.tag, **result)))


if __name__ == "__main__":
    main()
