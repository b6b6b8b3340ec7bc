"""What callgrind wrote, by function."""

import collections

Cost = collections.namedtuple("Cost", "own inclusive")


def read(path):
    """Instructions by (object file, function): its own, and with what it calls.

    A line of cost belongs to the function named last; after "calls=" it is that of the function that
    is called. Names come once, then as numbers. Functions that call themselves, over however many
    others, are counted anew at each level in what is inclusive.
    """
    names, costs = {"ob": {}, "fn": {}}, {}
    place = {"ob": "", "fn": ""}
    is_call = False
    for line in path.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and key in ("ob", "cob", "fn", "cfn"):
            kind = key[-2:]
            number, _, name = value.partition(" ")
            if name:
                names[kind][number] = name.rpartition("/")[2] if kind == "ob" else name
            if key == kind:
                place[kind] = names[kind][number]
        elif key == "calls":
            is_call = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            count = int(line.split()[1])
            where = (place["ob"], place["fn"])
            own, inclusive = costs.get(where, (0, 0))
            costs[where] = Cost(own if is_call else own + count, inclusive + count)
            is_call = False
    return costs


def difference(few, many, requests):
    """By function, what each of that many requests more costs."""
    nothing = Cost(0, 0)
    result = {}
    for where in {**few, **many}:
        a, b = few.get(where, nothing), many.get(where, nothing)
        result[where] = Cost((b.own - a.own) / requests, (b.inclusive - a.inclusive) / requests)
    return result
