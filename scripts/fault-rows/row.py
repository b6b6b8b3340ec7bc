"""How a row is declared: `@row("18-disk", "what it does")` above a function of a Workplace."""

from typing import Callable, NamedTuple


class Row(NamedTuple):
    name: str
    text: str
    function: Callable

    def is_named(self, name):
        return name in (self.name, self.name.split("-")[0])


ROWS = []


def row(name, text):
    def declare(function):
        ROWS.append(Row(name, text, function))
        return function
    return declare
