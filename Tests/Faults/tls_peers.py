"""Clients that speak TLS, by Python's ssl and by OpenSSL itself, and a server that they talk to."""

import contextlib
import ctypes
import pathlib
import socket
import ssl
import subprocess

from peers import Client, Server, check

CERTIFICATES = pathlib.Path(__file__).parents[2] / "scripts" / "certificates"


def make_certificates(place, name="certificates", at=None):
    """Makes an authority and its certificates in a folder of the row's; `at` as faketime has it."""
    folder = f"{place.path}/{name}"
    wrapper = ["faketime", at] if at else []
    made = subprocess.run([*wrapper, CERTIFICATES, folder], capture_output=True, text=True, timeout=60)
    check(made.returncode == 0, f"no certificates: {made.stdout}{made.stderr}")
    return folder


def trusting(*folders):
    """A client's context that trusts the authorities of these folders."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for folder in folders:
        context.load_verify_locations(f"{folder}/ca.pem")
    return context


class TLSClient(Client):
    """A raw client that speaks TLS; an end without close_notify is an error to it."""

    def __init__(self, port, context, **options):
        super().__init__(port, **options)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost",
                                          suppress_ragged_eofs=False)

    def send_what_fits(self, data):
        self.socket.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError, ssl.SSLWantWriteError):
            while sent < len(data):
                sent += self.socket.send(data[sent:sent + 16_384])
        self.socket.settimeout(self.patience)
        return sent

    def receive_to_end(self):
        """What comes until the server's close_notify."""
        data = bytearray()
        while piece := self.socket.recv(1 << 18):
            data += piece
        return bytes(data)

    def close(self):
        """Says that this side has ended, and waits for the server to say so."""
        with contextlib.suppress(OSError, ValueError):
            self.socket = self.socket.unwrap()
        self.socket.close()

    def cut(self):
        """Ends the stream of the system below TLS, and waits for the server's."""
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(1 << 16):
            pass
        self.socket.close()


class TLSServer(Server):
    """testtask-server with TLS on its port; `tls` are more lines of that section."""

    def __init__(self, place, limits="", tls="", folder=None, **options):
        self.folder = folder or make_certificates(place)
        self.context = trusting(self.folder)
        section = f"[tls]\ncertificate = {self.folder}/server.pem\nkey = {self.folder}/server.key\n{tls}"
        super().__init__(place, f"{limits}\n{section}", **options)

    def connect(self, context=None, **options):
        return TLSClient(self.port, context or self.context, **options)

    def connect_plainly(self, **options):
        return Client(self.port, **options)

    def hello(self):
        """The first bytes of a handshake."""
        return self.begin()[1].read()

    def begin(self):
        """TLS between two memories whose handshake has begun: with what comes in and what goes out."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        return incoming, outgoing, tls

    def wait_until_left(self, count):
        """Waits until so many clients have left; those in a handshake are in the log only then."""
        self.wait_for_lines("disconnect", count)

    def reasons(self):
        """How many clients have left for each reason."""
        counts = {}
        for line in self.lines("disconnect"):
            reason = line.split(" reason=")[1].split(" ")[0]
            counts[reason] = counts.get(reason, 0) + 1
        return counts


#: How far a client has gone in its handshake.
STAGES = ["connected", "half of a hello sent", "a hello sent", "the server's answer read",
          "half of the finish sent"]


def go_to(server, stage):
    """A client that has gone so far in its handshake."""
    client = server.connect_plainly()
    if stage == 0:
        return client
    incoming, outgoing, tls = server.begin()
    hello = outgoing.read()
    client.send(hello[:len(hello) // 2] if stage == 1 else hello)
    if stage <= 2:
        return client
    while True:
        incoming.write(client.socket.recv(1 << 16))
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            break
    finish = outgoing.read()
    if stage == 4:
        client.send(finish[:len(finish) // 2])
    return client


class OpenSSLClient:
    """A client by OpenSSL's own functions, which does what Python's ssl has no call for."""

    def __init__(self, port, folder=None):
        """Connects, with the client's certificate of the folder if one is given."""
        library = ctypes.CDLL("libssl.so.3")
        for name in ["TLS_client_method", "SSL_CTX_new", "SSL_new"]:
            getattr(library, name).restype = ctypes.c_void_p
        self.library = library
        self.context = ctypes.c_void_p(library.SSL_CTX_new(ctypes.c_void_p(library.TLS_client_method())))
        if folder:
            library.SSL_CTX_use_certificate_file(self.context, f"{folder}/client.pem".encode(), 1)
            library.SSL_CTX_use_PrivateKey_file(self.context, f"{folder}/client.key".encode(), 1)
        self.tls = ctypes.c_void_p(library.SSL_new(self.context))
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # OpenSSL waits in the system's calls.
        self.socket.settimeout(None)
        library.SSL_set_fd(self.tls, self.socket.fileno())
        check(library.SSL_connect(self.tls) == 1, "no handshake by OpenSSL")

    def ask_for_new_keys(self):
        """Sends a new key, and asks for the server's; whether that went out."""
        return (self.library.SSL_key_update(self.tls, 1) == 1
                and self.library.SSL_do_handshake(self.tls) == 1)

    def send(self, data):
        """Sends one record; whether it went out."""
        return self.library.SSL_write(self.tls, data, len(data)) == len(data)

    def receive(self, count):
        data, buffer = bytearray(), ctypes.create_string_buffer(1 << 16)
        while len(data) < count:
            got = self.library.SSL_read(self.tls, buffer, min(count - len(data), len(buffer)))
            check(got > 0, f"closed by the server after {len(data)} of {count} bytes")
            data += buffer.raw[:got]
        return bytes(data)

    def close(self):
        self.library.SSL_shutdown(self.tls)
        self.library.SSL_free(self.tls)
        self.library.SSL_CTX_free(self.context)
        self.socket.close()
