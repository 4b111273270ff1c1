"""A small client of the wire protocol that sends what a test wants, right or wrong.

    c = Wire(port, user=…, password=…, database=…)      logs in (trust, md5, SCRAM-SHA-256)
    c.query("SELECT 1")                                  the messages up to ReadyForQuery
    c.parse("s", "SELECT $1"); c.bind("", "s", ["1"]); c.execute(); c.sync(); c.until_ready()

A message is (type, body): ("Z", b"I"). Every read has a time limit.
"""
import base64
import hashlib
import hmac
import os
import socket
import struct

PROTOCOL_3_0 = 196608
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102


class Closed(Exception):
    """The proxy closed the connection."""


def cstring(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def startup(parameters, version=PROTOCOL_3_0):
    body = struct.pack("!I", version)
    for key, value in parameters.items():
        body += cstring(key) + cstring(value)
    body += b"\0"
    return struct.pack("!I", len(body) + 4) + body


def error_fields(body):
    """{'C': SQLSTATE, 'M': message, …} of an ErrorResponse or NoticeResponse."""
    return {f[:1].decode(): f[1:].decode() for f in body.split(b"\0") if f}


def kinds(messages):
    return "".join(kind for kind, _ in messages)


def rows(messages):
    """DataRows as lists of bytes or None."""
    result = []
    for kind, body in messages:
        if kind != "D":
            continue
        row, at = [], 2
        for _ in range(struct.unpack("!H", body[:2])[0]):
            n = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            row.append(None if n < 0 else body[at:at + n])
            at += max(n, 0)
        result.append(row)
    return result


def tags(messages):
    return [body[:-1].decode() for kind, body in messages if kind == "C"]


def errors(messages):
    return [error_fields(body) for kind, body in messages if kind == "E"]


class Wire:
    def __init__(self, port, user="app", password="", database="app", parameters=None, login=True, timeout=15,
                 version=PROTOCOL_3_0, sock=None, binding=None, gs2="n,,"):
        """sock: connected already, over TLS perhaps. binding: the channel's data, for SCRAM-SHA-256-PLUS.
        gs2: the header of SCRAM messages without it."""
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if sock is None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.binding, self.gs2, self.mechanisms = binding, gs2, []
        self.buffer = b""
        self.settings, self.key, self.negotiated = {}, None, None
        self.auth_method = None
        if login:
            self.send_raw(startup({"user": user, "database": database, **(parameters or {})}, version))
            self.login(user, password)

    # ---- bytes

    def send_raw(self, data):
        self.sock.sendall(data)

    def read(self, n):
        while len(self.buffer) < n:
            part = self.sock.recv(65536)
            if not part:
                raise Closed()
            self.buffer += part
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def receive(self):
        kind, size = struct.unpack("!cI", self.read(5))
        return kind.decode("latin1"), self.read(size - 4)

    def receive_kind(self, want):
        kind, body = self.receive()
        if kind != want:
            raise AssertionError(f"message {kind} instead of {want}: {body!r}")
        return body

    def until(self, stop):
        messages = []
        while not messages or messages[-1][0] not in stop:
            messages.append(self.receive())
        return messages

    def until_ready(self):
        return self.until("Z")

    def is_closed(self):
        """Reads whatever comes; True at the end of the stream."""
        try:
            while True:
                self.receive()
        except (Closed, ConnectionError):
            return True
        except socket.timeout:
            return False

    def rest(self):
        """All bytes up to the end of the stream."""
        try:
            while True:
                part = self.sock.recv(65536)
                if not part:
                    return self.buffer
                self.buffer += part
        except ConnectionError:
            return self.buffer

    def close(self):
        try:
            self.send("X")
        except OSError:
            pass
        self.sock.close()

    def drop(self):
        """Without a Terminate."""
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- log-in

    def login(self, user, password):
        while True:
            kind, body = self.receive()
            if kind == "E":
                raise LoginFailed(error_fields(body))
            if kind == "v":
                self.negotiated = body
            elif kind == "R":
                self.authenticate(body, user, password)
            elif kind == "S":
                key, value, _ = body.split(b"\0")
                self.settings[key.decode()] = value.decode()
            elif kind == "K":
                self.key = body
            elif kind == "Z":
                return

    def authenticate(self, body, user, password):
        method = struct.unpack("!I", body[:4])[0]
        self.auth_method = self.auth_method or {0: "trust", 3: "password", 5: "md5", 10: "scram"}.get(method, method)
        if method == 5:
            inner = hashlib.md5((password + user).encode()).hexdigest()
            self.send("p", cstring("md5" + hashlib.md5(inner.encode() + body[4:8]).hexdigest()))
        elif method == 3:
            self.send("p", cstring(password))
        elif method == 10:
            self.mechanisms = [m.decode() for m in body[4:].split(b"\0") if m]
            self.scram(password)
        elif method != 0:
            raise AssertionError(f"authentication method {method}")

    def scram(self, password):
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = f"n=,r={nonce}"
        header, mechanism = self.gs2.encode(), "SCRAM-SHA-256"
        if self.binding is not None:
            header, mechanism = b"p=tls-server-end-point,,", "SCRAM-SHA-256-PLUS"
        data = header + first.encode()
        self.send("p", cstring(mechanism) + struct.pack("!I", len(data)) + data)
        server_first = self.sasl(11).decode()
        parts = dict(p.split("=", 1) for p in server_first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
        final = "c=" + base64.b64encode(header + (self.binding or b"")).decode() + ",r=" + parts["r"]
        auth = ",".join((first, server_first, final)).encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), auth, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
        self.send("p", f"{final},p={proof}".encode())
        want = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), auth, "sha256")
        if self.sasl(12) != b"v=" + base64.b64encode(want):
            raise AssertionError("the server's signature is wrong")

    def sasl(self, want):
        kind, body = self.receive()
        if kind == "E":
            raise LoginFailed(error_fields(body))
        if kind != "R" or struct.unpack("!I", body[:4])[0] != want:
            raise AssertionError(f"message {kind} {body!r} in the SASL exchange")
        return body[4:]

    # ---- messages

    def send(self, kind, body=b""):
        self.send_raw(message(kind, body))

    def query(self, sql):
        self.send("Q", cstring(sql))
        return self.until_ready()

    def parse(self, name, sql, types=()):
        self.send("P", cstring(name) + cstring(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))

    def bind(self, portal, statement, values=(), result_format=0, result_formats=None):
        body = cstring(portal) + cstring(statement) + struct.pack("!HH", 0, len(values))
        for v in values:
            v = v.encode() if isinstance(v, str) else v
            body += struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v
        formats = result_formats or (result_format,)
        self.send("B", body + struct.pack(f"!H{len(formats)}H", len(formats), *formats))

    def describe(self, kind, name=""):
        self.send("D", kind.encode() + cstring(name))

    def execute(self, portal="", max_rows=0):
        self.send("E", cstring(portal) + struct.pack("!I", max_rows))

    def close_name(self, kind, name):
        self.send("C", kind.encode() + cstring(name))

    def sync(self):
        self.send("S")

    def flush(self):
        self.send("H")

    def run(self, sql, values=()):
        """One unnamed statement by the extended protocol."""
        self.parse("", sql)
        self.bind("", "", values)
        self.execute()
        self.sync()
        return self.until_ready()


class LoginFailed(Exception):
    def __init__(self, fields):
        super().__init__(fields.get("M"))
        self.fields = fields
