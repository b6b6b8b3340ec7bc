"""All rows, in the order of the table in docs/reliability.md."""

import importlib
import re

from row import ROWS

for module in ("flood_rows", "sleep_rows", "descriptor_rows", "log_rows", "signal_rows",
               "clock_rows", "client_rows", "terminal_rows", "start_rows", "environment_rows",
               "injection_rows", "names_rows", "valgrind_rows"):
    importlib.import_module(module)
ROWS.sort(key=lambda row: int(re.match(r"\d+", row.name)[0]))
