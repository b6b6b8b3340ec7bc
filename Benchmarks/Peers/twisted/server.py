"""The task's server on Twisted and Google's protobuf (upb), as a peer for benchmarks.

The epoll reactor; the answers to one read are written together.
"""

import argparse
import sys
import time

from twisted.internet import epollreactor

epollreactor.install()

# After the reactor is chosen.
from twisted.internet import interfaces, protocol, reactor  # noqa: E402
from zope.interface import implementer  # noqa: E402

from google.protobuf.message import DecodeError  # noqa: E402

from messages_pb2 import WrapperMessage  # noqa: E402

MAXIMUM_FRAME_LENGTH = 65536


class Violation(Exception):
    """What a client sent is against the protocol."""


def decode_prefix(data, start):
    """The length that a frame's prefix says and where its payload starts; None if incomplete."""
    first = data[start]
    if first < 0x80:
        return first, start + 1
    value = 0
    for index, byte in enumerate(data[start : start + 5]):
        if index == 4 and byte > 0x0F:
            raise Violation
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, start + index + 1
    return None


def encode_frame(message):
    payload = message.SerializeToString()
    # No answer is so long that its prefix would need a second byte.
    return bytes((len(payload),)) + payload


class Clock:
    """The local time as text; the time zone is asked once a second."""

    def __init__(self):
        self.second = None
        self.prefix = ""

    def text(self):
        second, fraction = divmod(time.time_ns(), 1_000_000_000)
        if second != self.second:
            self.second = second
            self.prefix = time.strftime("%Y%m%dT%H%M%S.", time.localtime(second))
        return f"{self.prefix}{fraction // 1_000_000:03d}"


@implementer(interfaces.IHalfCloseableProtocol)
class Server(protocol.Protocol):
    clients = 0
    clock = Clock()
    # Reused by all connections: there is one thread.
    request = WrapperMessage()
    fast_answer = WrapperMessage()
    slow_answer = WrapperMessage()

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        self.pending = b""
        self.sleeping = set()
        self.has_left = False
        Server.clients += 1

    def dataReceived(self, data):
        if self.pending:
            data = self.pending + data
        answers = []
        try:
            end = self.decode_frames(data, answers)
        except Violation:
            end = None
        if answers:
            self.transport.write(b"".join(answers))
        if end is None:
            self.leave()
        else:
            self.pending = data[end:]

    def decode_frames(self, data, answers):
        """Answers each whole frame, and returns where the incomplete one begins."""
        position, count = 0, len(data)
        while position < count:
            prefix = decode_prefix(data, position)
            if prefix is None:
                break
            length, start = prefix
            if length > MAXIMUM_FRAME_LENGTH:
                raise Violation
            if start + length > count:
                break
            self.answer(data[start : start + length], answers)
            position = start + length
        return position

    def answer(self, payload, answers):
        request = self.request
        try:
            request.ParseFromString(payload)
        except DecodeError as error:
            raise Violation from error
        has = request.HasField
        is_fast = has("request_for_fast_response")
        if is_fast == has("request_for_slow_response"):
            raise Violation
        if has("fast_response") or has("slow_response"):
            raise Violation
        if is_fast:
            self.fast_answer.fast_response.current_date_time = self.clock.text()
            answers.append(encode_frame(self.fast_answer))
        else:
            slow = request.request_for_slow_response
            # Parsing does not look for required fields.
            if not slow.HasField("time_in_seconds_to_sleep"):
                raise Violation
            self.sleep(slow.time_in_seconds_to_sleep)

    def sleep(self, seconds):
        call = reactor.callLater(seconds, self.wake, Server.clients)
        # It takes itself out of the set when it is called.
        call.args += (call,)
        self.sleeping.add(call)

    def wake(self, clients, call):
        self.sleeping.discard(call)
        self.slow_answer.slow_response.connected_client_count = clients
        self.transport.write(encode_frame(self.slow_answer))

    def leave(self):
        """Closes once the answers that are due are written."""
        if not self.has_left:
            self.has_left = True
            Server.clients -= 1
            for call in self.sleeping:
                call.cancel()
            self.sleeping.clear()
        self.transport.loseConnection()

    def readConnectionLost(self):
        self.leave()

    def writeConnectionLost(self):
        self.leave()

    def connectionLost(self, reason):
        self.leave()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    factory = protocol.Factory.forProtocol(Server)
    factory.noisy = False
    listener = reactor.listenTCP(port, factory, backlog=4096, interface="127.0.0.1")
    print(
        f"listening address=127.0.0.1 port={listener.getHost().port}", file=sys.stderr, flush=True
    )
    reactor.run()


main()
