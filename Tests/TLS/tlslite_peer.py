"""tlslite-ng, TLS in Python alone, as a client and as a server of programs on UVNetTLS:

    tlslite_peer.py FOLDER SERVER CLIENT

FOLDER has ca.pem, and server, person and other with .pem and .key. SERVER is Examples' TLSPeer, CLIENT its
tls-client. Ends with 1 and the reason when something is not as it should be.
"""

import pathlib
import re
import socket
import subprocess
import sys
import threading
import types

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.errors import TLSError

VERSIONS = {"1.2": (3, 3), "1.3": (3, 4)}
folder, server_program, client_program = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def settings(version):
    result = HandshakeSettings()
    result.minVersion = result.maxVersion = VERSIONS[version]
    return result


def identity(name):
    chain = X509CertChain()
    chain.parsePemList((folder / f"{name}.pem").read_text())
    return chain, parsePEMKey((folder / f"{name}.key").read_text(), private=True)


def check(what, found, expected):
    if found != expected:
        sys.exit(f"error: {what}: {found!r} in place of {expected!r}")


class Server:
    """TLSPeer, and the lines that it has printed."""

    def __init__(self, *settings):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", server_program, "127.0.0.1:0", folder / "server.pem", folder / "server.key", *settings],
            stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline())[1])

    def line(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def ask(server, version, session=None, person=None, **more):
    """One request over TLS, and an end in order; what was agreed on."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
        connection = TLSConnection(plain)
        chain, key = identity(person) if person else (None, None)
        connection.handshakeClientCert(chain, key, session=session, settings=settings(version), **more)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):
            piece = connection.recv(1000)
            if not piece:
                break
            answer += piece
        check("the answer", answer.split(b"\r\n")[0], b"HTTP/1.0 200 OK")
        agreement = types.SimpleNamespace(
            version=connection.version, session=connection.session, resumed=connection.resumed)
        connection.close()
    return agreement


def as_client():
    with Server("protocol=http/1.1", "protocol=h2", f"name=other.test,{folder}/other.pem,{folder}/other.key") as server:
        for version in VERSIONS:
            first = ask(server, version, serverName="localhost", alpn=[bytearray(b"h2")])
            check("the version", first.version, VERSIONS[version])
            check("ALPN", first.session.appProto, b"h2")
            said = server.line()
            check("the server's words", (said.split()[0], said.split()[2:5]),
                  ("TLSv" + version, ["full", "name=localhost", "protocol=h2"]))
            again = ask(server, version, session=first.session, serverName="localhost", alpn=[bytearray(b"h2")])
            check("resumed", again.resumed, True)
            check("the server's words", server.line().split()[2], "resumed")
            chosen = ask(server, version, serverName="other.test")
            check("the certificate of a name", chosen.session.serverCertChain.x509List[0].bytes,
                  identity("other")[0].x509List[0].bytes)
            server.line()
            try:
                ask(server, version, alpn=[bytearray(b"spdy/3")])
                sys.exit("error: a protocol that the server has not is accepted")
            except TLSError as error:
                check("the alert", "no_application_protocol" in str(error), True)
            check("the server's words", "NO_COMMON_APPLICATION_PROTOCOL" in server.line(), True)
        try:
            old = HandshakeSettings()
            old.minVersion, old.maxVersion = (3, 1), (3, 2)
            with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
                TLSConnection(plain).handshakeClientCert(settings=old)
            sys.exit("error: TLS 1.1 is accepted")
        except TLSError as error:
            check("the alert", "protocol_version" in str(error), True)
    with Server(f"required={folder}/ca.pem") as server:
        for version in VERSIONS:
            ask(server, version, person="person")
            check("the server's words", server.line().split("client=")[1], "CN=person")
            try:
                ask(server, version)
                sys.exit("error: a client without a certificate is accepted")
            except (TLSError, OSError):
                # With TLS 1.3 the client has written before it hears of it.
                pass
            check("the server's words", "CERTIFICATE_MISSING" in server.line(), True)


def as_server():
    """Answers one connection after another with what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve(version, with_certificate):
        plain = listener.accept()[0]
        with plain:
            plain.settimeout(20)
            connection = TLSConnection(plain)
            chain, key = identity("server")
            try:
                connection.handshakeServer(
                    certChain=chain, privateKey=key, settings=settings(version), reqCert=with_certificate)
                connection.sendall(connection.recv(1000))
                shown = connection.session.clientCertChain
                seen.append((connection.version, connection.session.serverName, bool(shown)))
                connection.close()
            except TLSError as error:
                seen.append(str(error))

    def run(version, name, *more):
        thread = threading.Thread(target=serve, args=(version, bool(more)))
        thread.start()
        done = subprocess.run(
            [client_program, f"127.0.0.1:{listener.getsockname()[1]}", name, folder / "ca.pem", "a line", *more],
            capture_output=True, text=True, timeout=30)
        thread.join(20)
        return done.stdout + done.stderr

    for version, number in VERSIONS.items():
        said = run(version, "localhost").splitlines()
        check("what came back", (said[0].split()[0], said[-1]), (f"TLSv{version}", "a line"))
        check("what the server saw", seen.pop(), (number, "localhost", False))
        run(version, "localhost", folder / "person.pem", folder / "person.key")
        check("what the server saw", seen.pop(), (number, "localhost", True))
        check("another name", "WRONG_NAME" in run(version, "another.test"), True)
        check("what the server saw", "bad_certificate" in seen.pop(), True)


as_client()
as_server()
