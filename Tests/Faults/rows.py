"""All rows, by number and name: those of every *_rows.py beside this file."""

import importlib
import pathlib
import re

from row import ROWS

for path in sorted(pathlib.Path(__file__).parent.glob("*_rows.py")):
    importlib.import_module(path.stem)
ROWS.sort(key=lambda row: (int(re.match(r"\d+", row.name)[0]), row.name))
