"""A proxy of a test's own, beside the cluster's: same catalog and shards, other configuration."""
import atexit
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

from lib import build, check, wait_until
from wire import Wire


def binary():
    for place in ("pgmosaic", "bin/pgmosaic", "src/app/pgmosaic"):
        path = os.path.join(build(), place)
        if os.access(path, os.X_OK):
            return path
    raise AssertionError(f"no pgmosaic in {build()}")


def run_binary(*args, timeout=20):
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=timeout)


class OwnProxy:
    """with OwnProxy(cluster, rules=[…], extra="pool: { size: 2 }") as proxy: …

    users, rules: items of auth.users (behind the cluster's own) and auth.rules; auth: more lines of that
    section; unix: a folder to listen in, too; offset: of its ports, for a second one at the same time;
    catalog_port: where the catalog seems to be."""

    def __init__(self, cluster, rules=(), extra="", name="own", wait_ready=True, users=(), auth=(), unix=None,
                 offset=40, catalog_port=None):
        self.cluster, self.catalog_port = cluster, catalog_port
        base = int(cluster.proxy_port) + offset
        self.port, self.admin_port, self.http_port = base, base + 1, base + 2
        self.config_path = os.path.join(cluster.dir, f"{name}.yaml")
        self.log_path = os.path.join(cluster.dir, f"{name}.log")
        self.unix = unix
        self.configure(rules, extra, users, auth)
        self.process = None
        atexit.register(self.kill)
        self.start(wait_ready)

    def configure(self, rules=(), extra="", users=(), auth=()):
        """Writes the file; a running proxy reads it at reload()."""
        text = self.cluster.config()
        for key, port in (("listen", self.port), ("admin", self.admin_port), ("http", self.http_port)):
            unix = f', "{self.unix}:{port}"' if self.unix and key != "http" else ""
            text = re.sub(rf"(?m)^{key}: .*$", f"{key}: [127.0.0.1:{port}{unix}]", text)
        if self.catalog_port:
            text = re.sub(r"(?m)^(  dsn: .*port=)\d+", rf"\g<1>{self.catalog_port}", text)
        more = "".join(f"    - {{ {user} }}\n" for user in users)
        if rules:
            more += "  rules:\n" + "".join(f"    - {{ {rule} }}\n" for rule in rules)
        more += "".join(f"  {line}\n" for line in auth)
        text = re.sub(r"(?m)^(    - \{ name: admin.*\n)", lambda m: m.group(1) + more, text)
        with open(self.config_path, "w") as f:
            f.write(text + extra + "\n")

    def reload(self):
        """SIGHUP, and wait until it is done; the log behind it."""
        size = os.path.getsize(self.log_path)
        self.process.send_signal(signal.SIGHUP)
        return wait_until(10, lambda: "reloaded" in self.log()[size:] and self.log()[size:], "a reload in the log")

    def start(self, wait_ready=True):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen([binary(), "-c", self.config_path], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        if wait_ready:
            wait_until(30, self.ready, f"the proxy is ready; its log: {self.log()[-1500:]}")

    def ready(self):
        check(self.process.poll() is None, "the proxy ended at start:", self.log()[-1500:])
        return http_status(self.http_port, "/readyz") == 200

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def wire(self, **options):
        options.setdefault("user", self.cluster.dbuser)
        options.setdefault("password", self.cluster.dbpassword)
        options.setdefault("database", self.cluster.db)
        return Wire(self.port, **options)

    @property
    def admin_dsn(self):
        return self.cluster.admin_dsn.replace(f"port={self.cluster.admin_port} ", f"port={self.admin_port} ")

    @property
    def dsn(self):
        c = self.cluster
        return f"host=127.0.0.1 port={self.port} dbname={c.db} user={c.dbuser} password={c.dbpassword}"

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=40):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        check(self.process.poll() is not None, "the proxy did not stop within", seconds, "s")
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def http_get(port, path, timeout=5):
    """(status, body); (0, reason) when there is no answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def http_status(port, path):
    return http_get(port, path)[0]
