"""A TCP forwarder that can be paused or cut: a network that fails without a firewall."""
import select
import socket
import threading


class Forwarder:
    """Forwarder(listen_port, target_port): pause(), cut(), resume()."""

    def __init__(self, port, target):
        self.port, self.target = port, target
        self.pairs, self.listener = {}, None
        self.is_paused = self.is_closed = False
        self.lock = threading.Lock()
        self.open()
        threading.Thread(target=self.run, daemon=True).start()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(50)

    def accept(self):
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        self.pairs[client], self.pairs[server] = server, client

    def drop(self, one):
        other = self.pairs.pop(one, None)
        self.pairs.pop(other, None)
        for s in (one, other):
            if s is not None:
                s.close()

    def pass_on(self, one):
        try:
            data = one.recv(65536)
            if data:
                self.pairs[one].sendall(data)
                return
        except OSError:
            pass
        self.drop(one)

    def step(self):
        waiting = [] if self.is_paused else list(self.pairs) + ([self.listener] if self.listener else [])
        ready, _, _ = select.select(waiting, [], [], 0.02)
        for s in ready:
            if s is self.listener:
                self.accept()
            elif s in self.pairs:
                self.pass_on(s)

    def run(self):
        while not self.is_closed:
            with self.lock:
                self.step()

    def pause(self):
        """Connections stay, nothing gets through, nobody answers new ones."""
        with self.lock:
            self.is_paused = True

    def cut(self):
        """Connections are reset, new ones refused."""
        with self.lock:
            for s in list(self.pairs):
                self.drop(s)
            if self.listener:
                self.listener.close()
            self.listener = None

    def resume(self):
        with self.lock:
            self.is_paused = False
            if self.listener is None:
                self.open()

    def close(self):
        self.cut()
        self.is_closed = True
