"""How each kind of driver is made ready: by its manifest, with its language's own package client.

prepare(driver) returns (command, environment) or raises Unavailable, which names what is missing.
Everything lands under build/drivers; a manifest that has not changed is not installed again.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "drivers")

# In order of importance; what takes long to build stands last.
DRIVERS = ["psql", "libpq", "psycopg3", "psycopg2", "asyncpg", "sqlalchemy", "django", "node-postgres", "postgres.js", "knex",
           "drizzle", "pgdump", "pgbench", "pgjdbc", "hibernate", "lib-pq", "pgx", "gorm", "tokio-postgres", "sqlx"]


class Unavailable(Exception):
    pass


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Unavailable(f"there is no {program} here")


def call(what, *command, **options):
    """A step of installing; what it printed is told when it fails."""
    done = subprocess.run(["nice", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=560, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{what} failed:\n{done.stdout[-3000:]}")


def folder_of(driver):
    folder = os.path.join(BUILD, driver)
    os.makedirs(folder, exist_ok=True)
    return folder


def once(folder, manifest, install):
    """install(), unless it was done for this very manifest."""
    with open(manifest, "rb") as f:
        want = hashlib.sha256(f.read()).hexdigest()
    stamp = os.path.join(folder, "installed")
    if os.path.exists(stamp) and open(stamp).read() == want:
        return
    install()
    with open(stamp, "w") as f:
        f.write(want)


# ---- one function for each kind ----

def shell(driver, program):
    return ["bash", program], {}


def c(driver, program):
    need("cc", "pg_config")
    out = os.path.join(folder_of(driver), "program")
    include = subprocess.run(["pg_config", "--includedir"], capture_output=True, text=True, check=True).stdout.strip()
    call("compiling", "cc", "-O1", "-I", include, "-o", out, program, "-lpq")
    return [out], {}


def python(driver, program):
    folder = folder_of(driver)
    venv, manifest = os.path.join(folder, "venv"), os.path.join(HERE, driver, "requirements.txt")
    inside = os.path.join(venv, "bin", "python")

    def install():
        done = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable("python3 cannot make a virtual environment here (package python3-venv)")
        call("pip", inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", manifest)

    once(folder, manifest, install)
    return [inside, program], {}


def node(driver, program):
    need("node", "npm")
    folder, manifest = folder_of(driver), os.path.join(HERE, driver, "package.json")

    def install():
        shutil.copy(manifest, folder)
        call("npm", "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent", "--prefer-offline", cwd=folder)

    once(folder, manifest, install)
    return ["node", "--no-deprecation", "--no-warnings", program], {
        "NODE_PATH": os.pathsep.join([os.path.join(folder, "node_modules"), os.path.join(HERE, "common")])}


def java(driver, program):
    need("java", "javac", "mvn")
    folder, manifest = folder_of(driver), os.path.join(HERE, driver, "pom.xml")
    jars, classes = os.path.join(folder, "lib"), os.path.join(folder, "classes")

    def install():
        shutil.copy(manifest, folder)
        call("maven", "mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}", cwd=folder)

    once(folder, manifest, install)
    sources = [program, os.path.join(HERE, "common", "Scenario.java")]
    call("javac", "javac", "-cp", os.path.join(jars, "*"), "-d", classes, *sources)
    return ["java", "-XX:+UseSerialGC", "-cp", os.pathsep.join([classes, os.path.join(jars, "*")]), "Program"], {}


def go(driver, program):
    need("go")
    out = os.path.join(folder_of(driver), "program")
    call("go", "go", "build", "-o", out, ".", cwd=os.path.join(HERE, driver))
    return [out], {}


def rust(driver, program):
    need("cargo")
    folder = folder_of(driver)
    for file in ("Cargo.toml", "program.rs"):
        shutil.copy(os.path.join(HERE, driver, file), folder)
    shutil.copy(os.path.join(HERE, "common", "scenario.rs"), folder)
    call("cargo", "cargo", "build", "-q", "--target-dir", os.path.join(BUILD, "rust"), cwd=folder)
    shutil.copy(os.path.join(BUILD, "rust", "debug", "program"), os.path.join(folder, "program"))
    return [os.path.join(folder, "program")], {}


KINDS = {".sh": shell, ".c": c, ".py": python, ".js": node, ".java": java, ".go": go, ".rs": rust}


def program_of(driver):
    [program] = glob.glob(os.path.join(HERE, driver, "[pP]rogram.*"))
    return program


def is_slow(driver):
    return program_of(driver).endswith((".go", ".rs"))


def prepare(driver):
    program = program_of(driver)
    return KINDS[os.path.splitext(program)[1]](driver, program)
