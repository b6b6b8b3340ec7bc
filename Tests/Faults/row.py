"""How a row is declared: `@row("18-disk", "what it does")` above a function of a Workplace."""

from typing import Callable, NamedTuple


class Row(NamedTuple):
    name: str
    text: str
    function: Callable
    #: The most that it may take.
    seconds: int

    def is_named(self, name):
        return name in (self.name, self.name.split("-")[0])


ROWS = []


def row(name, text, seconds=60):
    def declare(function):
        ROWS.append(Row(name, text, function, seconds))
        return function
    return declare
