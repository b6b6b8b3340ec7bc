"""SwiftNIO with NIOSSL as a client and as a server of programs on UVNetTLS:

    nio_peer.py FOLDER SERVER CLIENT NIO

FOLDER has ca.pem, and server, person and other with .pem and .key. SERVER is Examples' TLSPeer, CLIENT its
tls-client, NIO the program of Benchmarks/TLS/nio. Ends with 1 and the reason when something is not as it
should be.
"""

import re
import subprocess
import sys

folder, server_program, client_program, nio_program = sys.argv[1:]


def check(what, found, expected):
    if found != expected:
        sys.exit(f"error: {what}: {found!r} in place of {expected!r}")


class Program:
    """A server, and the lines that it has printed."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.port = re.search(r"(\d+)$", self.line())[1]

    def line(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def nio(server, name, version, *more):
    return run(nio_program, "ask", server.port, f"{folder}/ca.pem", name, version, *more)


def client(server, name, *more):
    return run(client_program, f"127.0.0.1:{server.port}", name, f"{folder}/ca.pem", "echo", *more).splitlines()


ours = server_program, "127.0.0.1:0", f"{folder}/server.pem", f"{folder}/server.key"
person = f"{folder}/person.pem", f"{folder}/person.key"

with Program(*ours, "protocol=h2", f"name=other.test,{folder}/other.pem,{folder}/other.key") as server:
    for version in "1.2", "1.3":
        for name in "localhost", "other.test":
            check("NIO's client", nio(server, name, version, "protocol=h2").split(),
                  ["answered", f"version={version}", "protocol=h2"])
            check("our server's words", server.line().split()[3:5], [f"name={name}", "protocol=h2"])
# NIO takes a certificate for the address that it has connected to, too: this one is for a name alone.
with Program(server_program, "127.0.0.1:0", f"{folder}/other.pem", f"{folder}/other.key") as server:
    check("a name that the certificate is not for", "failed:" in nio(server, "wrong.test", "1.3"), True)
with Program(*ours, f"required={folder}/ca.pem") as server:
    for version in "1.2", "1.3":
        check("NIO's client", nio(server, "localhost", version, *person).split()[:2], ["answered", f"version={version}"])
        check("our server's words", server.line().split("client=")[1], "CN=person")
        check("a client without a certificate", "failed:" in nio(server, "localhost", version), True)
        check("our server's words", "CERTIFICATE_MISSING" in server.line(), True)

theirs = nio_program, "serve", "0", f"{folder}/server.pem", f"{folder}/server.key"
with Program(*theirs, "protocol=echo") as server:
    said = client(server, "localhost")
    check("what came back from NIO", (said[0].split()[0], said[-1]), ("TLSv1.3", "cho"))
    check("the name that NIO saw", server.line(), "name=hostname(\"localhost\")")
with Program(*theirs) as server:
    check("another name", "WRONG_NAME" in client(server, "another.test")[0], True)
with Program(*theirs, f"{folder}/ca.pem") as server:
    check("with a certificate", client(server, "localhost", *person)[-1], "cho")
    check("without", any("failed" in line or "REFUSED" in line for line in client(server, "localhost")), True)
