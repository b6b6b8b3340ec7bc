"""The protocol of Benchmarks/TLS: whether a server speaks it, and a server for trying what measures.

The first byte of a connection says what the server does with the rest: e sends it back, d drops it, s
sends for ever.
"""

import contextlib
import random
import socket
import ssl
import struct
import subprocess
import threading

from .programs import Failure


def make_certificate(folder):
    """A certificate with an ECDSA key, in certificate.pem and key.pem."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"], check=True, capture_output=True)


@contextlib.contextmanager
def connected(port, folder, version):
    context = ssl.create_default_context(cafile=f"{folder}/certificate.pem")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            yield connection


def receive(connection, count):
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            raise Failure("the server closes a connection")
        got += piece
    return got


def conform(port, folder):
    """Fails unless the server does what it has to, by TLS 1.2 and 1.3."""
    dice = random.Random(7)
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        with connected(port, folder, version) as connection:
            connection.sendall(b"e")
            for size in 1, 16, 5000, 16384, 16385, 70000, 300000:
                sent = dice.randbytes(size)
                # In turns: one thread must not write while another reads.
                for start in range(0, size, 20000):
                    piece = sent[start:start + 20000]
                    connection.sendall(piece)
                    if receive(connection, len(piece)) != piece:
                        raise Failure(f"{size} bytes do not come back as they were")
            # An end in order: its close_notify, and the server's.
            connection.unwrap()
        with connected(port, folder, version) as connection:
            connection.sendall(b"d")
            connection.sendall(bytes(300000))
            connection.settimeout(0.1)
            try:
                if connection.recv(1):
                    raise Failure("the server answers what it has to drop")
            except TimeoutError:
                pass
        with connected(port, folder, version) as connection:
            connection.sendall(b"s")
            receive(connection, 1000000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with connected(port, folder, version) as connection:
            connection.sendall(b"estill there")
            if receive(connection, 11) != b"still there":
                raise Failure("the server does not serve on after a reset")


class PythonServer:
    """A server that speaks the protocol, or lies: for trying what measures."""

    def __init__(self, folder, lies=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        self.lies = lies
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(context,), daemon=True).start()

    def accept(self, context):
        while True:
            plain = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(context, plain), daemon=True).start()

    def serve(self, context, plain):
        with contextlib.suppress(OSError, ssl.SSLError):
            plain.settimeout(20)
            with context.wrap_socket(plain, server_side=True) as connection:
                kind = connection.recv(1)
                while kind == b"s":
                    connection.sendall(bytes(65536))
                while data := connection.recv(65536):
                    if kind == b"e":
                        connection.sendall(bytes(len(data)) if self.lies else data)
                connection.unwrap()
