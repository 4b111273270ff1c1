#!/usr/bin/env python3
"""Fail when a file under src/ or include/pgmosaic/ reaches for a module above its own, when a
foreign header is included outside its home, or when a public header does not compile alone.

usage: scripts/check_layers.py [PROJECT_ROOT]

Prints one line per fault and exits 1 if there is any. The tables are the architecture: change
them together with ARCHITECTURE.md.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

MAY_USE = {  # module: what it may include besides itself ("*": anything but app)
    "base": "",
    "loop": "base",
    "wire": "base",
    "key": "base",
    "config": "base",
    "sql": "base",
    "catalog": "base loop config sql key",
    "plan": "base sql key catalog",
    "route": "base wire sql key catalog plan",
    "backend": "base loop wire config catalog",
    "exec": "base loop wire sql catalog plan route backend",
    "txn": "base loop wire config catalog backend",
    "session": "base loop wire config sql key catalog plan route backend exec txn",
    "reshard": "base loop wire config sql key catalog route backend txn",
    "admin": "*",
    "monitor": "*",
    "app": "*",
}
ONLY_IN = {  # a foreign header has one home, or a few
    "uv.h": "loop",
    "libpq-fe.h": "backend catalog txn reshard",
    "pg_query.h": "sql",
    "pg_query/pg_query.pb-c.h": "sql",
    "protobuf-c/protobuf-c.h": "sql",
    "yaml.h": "config",
    "xxhash.h": "base key",
    "microhttpd.h": "monitor",
    "openssl/": "wire loop backend",
}
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
PACKAGES = "libuv libpq yaml-0.1 libxxhash openssl libmicrohttpd libprotobuf-c".split()


def sources(root: pathlib.Path):
    """(path, module) of every C file that belongs to a module."""
    for folder in (root / "src", root / "include" / "pgmosaic"):
        for path in sorted(folder.rglob("*.[ch]")):
            yield path, path.relative_to(folder).parts[0]


def home_of(header: str):
    for name, homes in ONLY_IN.items():
        if header == name or (name.endswith("/") and header.startswith(name)):
            return homes.split()
    return None


def module_of(header: str):
    """The module an include names: "pgmosaic/base/buf.h" or, private, "base/buf_internal.h"."""
    parts = header.removeprefix("pgmosaic/").split("/")
    return parts[0] if len(parts) > 1 and parts[0] in MAY_USE else None


def fault_of(module: str, header: str):
    homes = home_of(header)
    if homes is not None and module not in homes:
        return f"{module} may not include <{header}>; its home is {', '.join(homes)}"
    used = module_of(header)
    if used is None or used == module or module == "app":
        return None
    if not header.startswith("pgmosaic/"):
        return f'{module} may not include "{header}": it is private to {used}'
    allowed = MAY_USE[module]
    if used == "app" or (allowed != "*" and used not in allowed.split()):
        return f"{module} may not use {used}"
    return None


def layer_faults(root: pathlib.Path):
    for path, module in sources(root):
        if module not in MAY_USE:
            yield f"{path}: no module is called {module}"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            fault = match and fault_of(module, match.group(1))
            if fault:
                yield f"{path}:{number}: {fault}"


def compile_alone(root: pathlib.Path, header: pathlib.Path, flags: list):
    command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    name = header.relative_to(root / "include")
    run = subprocess.run(command + [f"-I{root}/include", *flags, "-x", "c", "-"], text=True,
                         input=f"#include <{name}>\n#include <{name}>\n", capture_output=True)
    if run.returncode == 0:
        return None
    reason = next((l for l in run.stderr.splitlines() if "error" in l), run.stderr.strip())
    return f"{header}: does not compile alone: {reason}"


def header_faults(root: pathlib.Path):
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], text=True, check=True,
                           capture_output=True).stdout.split()
    headers = [path for path, _ in sources(root) if root / "include" in path.parents]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(lambda h: compile_alone(root, h, flags), headers))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = [*layer_faults(root), *header_faults(root)]
    for fault in found:
        print(fault)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
