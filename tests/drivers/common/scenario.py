"""The scenario for programs in Python: its files read, its lines printed."""
import os
import re

_FOLDER = os.environ["SCENARIO"]
_CASTS = {"int8": int, "int4": int, "text": str, "null": lambda _: None,
          "int8[]": lambda text: [int(part) for part in text.split(",")]}


def _lines(name):
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as f:
        return [line.rstrip("\n") for line in f]


def schema():
    """The CREATE TABLE statements, one string each."""
    text = "\n".join(line for line in _lines("schema.sql") if not line.startswith("--"))
    return [part for part in re.split(r";\n", text + "\n") if part.strip()]


def statements():
    """(name, sql, parameters) of each statement."""
    for line in _lines("statements.tsv"):
        name, sql, params = line.split("\t")
        yield name, sql, [_param(p) for p in params.split("|") if p]


def _param(text):
    kind, _, value = text.partition(":")
    return _CASTS[kind](value)


def values():
    """(number, column, literal or None) of each value."""
    for number, line in enumerate(_lines("values.tsv"), 1):
        column, _, literal = line.partition("\t")
        yield number, column, None if literal == r"\N" else literal


def quoted(column):
    return '"' + column + '"'


def say(name, value):
    """One line for one check."""
    print(f"{name}: {value}".replace("\\", "\\\\").replace("\n", "\\n"), flush=True)


def not_covered(name, reason):
    print(f"{name}: not covered: {reason}", flush=True)


def run_parts(conn, parts):
    """Each part on its own: one that fails says so in its line, and the next one runs."""
    for part in parts:
        try:
            part(conn)
        except Exception as e:
            say(f"{part.__name__} ended by", f"{type(e).__name__} {str(e).splitlines()[0]}")
