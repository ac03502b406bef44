"""Writes the JSON Schemas of reports, rows and votes to docs/schema; with --check, fails if they are out of date."""

import json
import sys
from pathlib import Path
from typing import get_args

from evalkit.reports.files import Schema, json_schema

FOLDER = Path(__file__).parent.parent / "docs/schema"


def main() -> int:
    """Returns 1 if a schema is out of date and was only to be checked."""
    stale = []
    for kind in get_args(Schema):
        path = FOLDER / f"{kind}.schema.json"
        text = json.dumps(json_schema(kind), indent=2, sort_keys=True) + "\n"
        if "--check" not in sys.argv:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        print(f"out of date: {', '.join(stale)}; type: make schema", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
