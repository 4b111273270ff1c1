"""Certificates for tests, made by the openssl command, and a client that speaks TLS by hand."""
import hashlib
import os
import socket
import ssl
import struct
import subprocess

from wire import SSL_REQUEST, Wire

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=30)


class Authority:
    """A certificate authority in a folder of its own; paths of what it makes."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        os.makedirs(folder, exist_ok=True)
        self.crt, self.key = self.path(f"{name}.crt"), self.path(f"{name}.key")
        openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.crt, "-subj", f"/CN={name}", "-days", "30")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, common_name, san="", days=30):
        """(certificate, key) for a common name."""
        crt, key, csr, ext = (self.path(f"{name}.{x}") for x in ("crt", "key", "csr", "ext"))
        openssl("req", *KEY, "-keyout", key, "-out", csr, "-subj", f"/CN={common_name}")
        with open(ext, "w") as f:
            f.write(f"subjectAltName = {san}\n" if san else "")
        openssl("x509", "-req", "-in", csr, "-CA", self.crt, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", ext, "-out", crt)
        os.chmod(key, 0o600)
        return crt, key

    def server(self, name="server"):
        return self.issue(name, "localhost", "DNS:localhost, IP:127.0.0.1")


def context(ca=None, client=None, alpn=(), version=None):
    """A client's context; client: (certificate, key)."""
    c = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
    if client:
        c.load_cert_chain(*client)
    if alpn:
        c.set_alpn_protocols(list(alpn))
    if version:
        c.minimum_version = c.maximum_version = version
    return c


def connect(port, timeout=15):
    sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def request(code):
    return struct.pack("!II", 8, code)


def ask_tls(port):
    """A socket after SSLRequest, and the answer."""
    sock = connect(port)
    sock.sendall(request(SSL_REQUEST))
    return sock, sock.recv(1)


def open_tls(port, tls):
    sock, answer = ask_tls(port)
    if answer != b"S":
        raise AssertionError(f"SSLRequest was answered {answer!r}")
    return tls.wrap_socket(sock, server_hostname="localhost")


def open_direct(port, tls):
    return tls.wrap_socket(connect(port), server_hostname="localhost")


def binding_of(sock):
    """tls-server-end-point of a certificate signed with SHA-256."""
    return hashlib.sha256(sock.getpeercert(binary_form=True)).digest()


def tls_wire(port, tls, direct=False, **options):
    sock = (open_direct if direct else open_tls)(port, tls)
    return Wire(port, sock=sock, **options)
