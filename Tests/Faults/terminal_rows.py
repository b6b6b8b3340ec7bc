"""The client at a terminal: keys that do not end, jobs, several clients with one history."""

import contextlib
import os
import pty
import re
import select
import signal
import threading
import time

from peers import PATIENCE, check, until
from row import row


class Terminal:
    """A terminal with an interactive shell, as its user sees it."""

    def __init__(self, place, name="home"):
        self.home = os.path.join(place.path, name)
        os.makedirs(self.home, exist_ok=True)
        self.client = os.path.join(place.programs, "testtask-client")
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(place.path)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], {
                "PATH": os.environ["PATH"], "HOME": self.home, "XDG_STATE_HOME": self.home,
                "TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "SHELL$ ", "client": self.client})
        place.stack.callback(self.end)
        #: Everything shown since the last thing that was waited for.
        self.shown = ""
        self.wait("SHELL[$] ")

    def end(self):
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        os.close(self.master)
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.master, text.encode("utf-8", "surrogateescape"))

    def run(self, line):
        self.type(line + "\r")

    def wait(self, pattern, patience=PATIENCE):
        """Waits until something is shown, and returns the match; what is before it is forgotten."""
        deadline = time.monotonic() + patience
        while not (found := re.search(pattern, self.shown)):
            left = deadline - time.monotonic()
            check(left > 0, f"the terminal does not show {pattern!r} but {self.shown[-300:]!r}")
            if select.select([self.master], [], [], left)[0]:
                self.shown += os.read(self.master, 65536).decode("utf-8", "replace")
        self.shown = self.shown[found.end():]
        return found

    def children(self, pid=None):
        """The processes below one, by default below the shell, with their program's name."""
        found = {}
        with open(f"/proc/{pid or self.pid}/task/{pid or self.pid}/children") as file:
            for child in map(int, file.read().split()):
                with contextlib.suppress(OSError):
                    found[child] = os.path.basename(os.readlink(f"/proc/{child}/exe"))
                    found |= self.children(child)
        return found

    def client_process(self):
        def look():
            return [pid for pid, name in self.children().items() if name == "testtask-client"]
        return until(look, "a client runs")[0]

    def wait_for_shell(self, number):
        """Waits until the shell obeys, which shows that it has the terminal, in its own mode."""
        self.run(f"echo over-$(({number}+0))")
        self.wait(rf"over-{number}\r")
        self.wait("SHELL[$] ")


@row("28-paste", "a paste without end, then Ctrl-C by hand; another, and time passes; the same with other keys")
def unfinished(place):
    server = place.server()
    terminal = Terminal(place)
    terminal.run(f'"$client" 127.0.0.1:{server.port}')
    terminal.wait("connected to")
    terminal.type("x\x1b[200~abc")
    time.sleep(0.3)
    terminal.type("\x03")
    terminal.wait(r"> x\^C")
    terminal.run("fast")
    terminal.wait(r"received #1 ")
    terminal.type("\x1b[200~# abc")
    terminal.wait(r"> # abc")
    terminal.type("\r")
    number = 1
    for beginning in ("\x1b[", "\x1b[M", "\x1b[[", "\x1bO", "\x1bP", "\x1b]0;title", "\x1b_", "\x1b", "\udce5"):
        terminal.type(beginning)
        # Twice as long as the longest time that the client waits for a key.
        time.sleep(2)
        terminal.run("fast")
        number += 1
        terminal.wait(rf"received #{number} ")
    terminal.type("\x1b[200~abc")
    time.sleep(0.3)
    terminal.type("\x03\x04")
    terminal.wait("SHELL[$] ", 5)


@row("28-bell", "a paste longer than a line may be, in a terminal that does not bracket it: a bell a drawing")
def bells(place):
    server = place.server()
    terminal = Terminal(place)
    terminal.run(f'"$client" 127.0.0.1:{server.port}')
    terminal.wait("connected to")
    shown = ""

    def look(seconds):
        nonlocal shown
        if select.select([terminal.master], [], [], seconds)[0]:
            shown += os.read(terminal.master, 65536).decode("utf-8", "replace")

    for _ in range(60):
        terminal.type("x" * 1000)
        look(0)
    # The line is full, so nothing of it can be a command.
    terminal.type("\x15fast\r")
    deadline = time.monotonic() + PATIENCE
    while "received #1 " not in shown:
        check(time.monotonic() < deadline, f"the terminal shows {shown[-300:]!r}")
        look(0.1)
    bells, drawings = shown.count("\a"), shown.count("\x1b[J")
    place.note(f"{bells} bells in {drawings} drawings for 43 616 letters too many")
    check(0 < bells <= drawings, "a bell a letter")


@row("28-keys", "keys and replies of a terminal that are none of the client's, before, in and after a line")
def foreign_keys(place):
    server = place.server()
    terminal = Terminal(place)
    terminal.run(f'"$client" 127.0.0.1:{server.port}')
    terminal.wait("connected to")
    for number, sequence in enumerate((
            "\x1b[[A", "\x1b[[E", "\x1bO\x1b[D\x1b[C", "\x1b[M !!", "\x9b[A", "\x9b15~", "\x1bO5P", "\x1bO1;5Q",
            "\x1bP1$r0m\x1b\\", "\x1b]11;rgb:0000/0000/0000\x07", "\x1b_Gi=31;OK\x1b\\", "\x1b^x\x1b\\",
            "\x1bXx\x1b\\", "\x1bP>|XTerm(370)\x9c"), 1):
        terminal.run(f"{sequence}fa{sequence}st{sequence}")
        terminal.wait(rf"received #{number} \(fast\)", 5)
    terminal.type("\x04")
    terminal.wait("SHELL[$] ")


@row("28-background", "a client in the background, one stopped and continued there: SIGTERM ends it")
def background(place):
    server = place.server()
    for turn in range(4):
        terminal = Terminal(place)
        if turn % 2 == 0:
            terminal.run(f'"$client" 127.0.0.1:{server.port} &')
            terminal.wait("connected to")
        else:
            terminal.run(f'"$client" 127.0.0.1:{server.port}')
            terminal.wait("connected to")
            terminal.type("\x1a")
            terminal.wait("Stopped")
            terminal.run("bg")
        process = terminal.client_process()
        # What is typed meanwhile is the shell's.
        terminal.wait_for_shell(1)
        time.sleep(0.5)
        if turn >= 2:
            os.kill(process, signal.SIGSTOP)
            time.sleep(0.1)
            os.kill(process, signal.SIGTERM)
            os.kill(process, signal.SIGCONT)
        else:
            os.kill(process, signal.SIGTERM)
        # A shell that has not yet noticed that its job continues would call it stopped.
        until(lambda: process not in terminal.children(), "the client ends")
        terminal.run("wait %1; echo code $?")
        terminal.wait(r"code 143\r", 10)
        terminal.wait_for_shell(2)


@row("28-foreground", "a client that began in the background takes the terminal when it is brought back")
def to_foreground(place):
    server = place.server()
    terminal = Terminal(place)
    terminal.run(f'"$client" 127.0.0.1:{server.port} &')
    terminal.wait("connected to")
    terminal.run("fg")
    terminal.wait(rf"127.0.0.1:{server.port}> ")
    terminal.run("fast")
    terminal.wait("received #1 ")
    terminal.type("\x04")
    terminal.wait("SHELL[$] ")
    terminal.wait_for_shell(1)


@row("28-suspend", "Ctrl-Z and fg, again and again, of a client that a script runs")
def suspended_script(place):
    server = place.server()
    terminal = Terminal(place)
    # The shell must sometimes be faster than the client, so the client gets little of a processor.
    for _ in range(2 * os.cpu_count()):
        place.start(["nice", "-n", "5", "sh", "-c", "while :; do :; done"])
    for wrapper in 'sh -c "nice -n 19 $client 127.0.0.1:PORT; echo ended-\\$?"', 'bash -c "nice -n 19 $client 127.0.0.1:PORT; echo ended-\\$?"', \
            'nice -n 19 "$client" 127.0.0.1:PORT; echo ended-$?':
        terminal.run(wrapper.replace("PORT", str(server.port)))
        terminal.wait("connected to")
        for turn in range(1, 6):
            terminal.type("half")
            terminal.wait("half")
            terminal.type("\x1a")
            terminal.wait("Stopped")
            terminal.wait_for_shell(turn)
            terminal.run("fg")
            terminal.wait(rf"127.0.0.1:{server.port}> half")
            terminal.type("\x15")
            terminal.run("fast")
            terminal.wait(rf"received #{turn} ")
        terminal.type("\x04")
        if wrapper.startswith("nice"):
            # After a stop the shell has dropped the remaining commands of the line.
            terminal.wait("SHELL[$] ")
        else:
            terminal.wait("ended-0")
        terminal.wait_for_shell(99)


@row("28-timeout", "`timeout 2` of a client, by a script: it ends")
def timeout(place):
    server = place.server()
    terminal = Terminal(place)
    for _ in range(3):
        terminal.run(f"sh -c 'timeout 2 \"$client\" 127.0.0.1:{server.port}; echo ended-$?'")
        terminal.wait("ended-124", 10)
        terminal.wait_for_shell(1)


@row("28-history", "twelve clients at once type into a history that is long already: no line is lost or torn")
def shared_history(place):
    server = place.server()
    # Long lines, so that cutting takes its time.
    path = place.file("home/testtask-client/history",
                      "".join(f"# old {number} {'x' * 3000}\n" for number in range(900)))
    with open(path, "a") as file:
        file.write("# torn")
    terminals = [Terminal(place) for _ in range(12)]

    def work(name, terminal):
        for number in range(20):
            if number % 4 == 0:
                terminal.run(f'"$client" 127.0.0.1:{server.port} --time none')
                terminal.wait("connected to")
            terminal.run(f"# {name} {number}")
            terminal.wait(f"# {name} {number}")
            if number % 4 == 3:
                terminal.type("\x04")
                terminal.wait("SHELL[$] ")

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(terminals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(path) as file:
        lines = file.read().split("\n")
    check(lines.pop() == "", "the last line has no end")
    for name in range(12):
        mine = [line for line in lines if line.startswith(f"# {name} ")]
        check(mine == [f"# {name} {number}" for number in range(20)], f"of client {name} there is {mine}")
    others = [line for line in lines if re.fullmatch(r"# old \d+ x{3000}|# torn", line)]
    check(len(others) + 240 == len(lines), "lines that nobody typed")
    place.note(f"{len(lines)} lines")
