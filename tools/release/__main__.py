"""Check the files of a release: python -m tools.release DIST VERSION, in an environment of requirements/release.txt."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.errors import ToolError, printable
from tools.matrix import load_matrix
from tools.paths import Checkout
from tools.release.faults import report
from tools.release.gates import check, read_files
from tools.release.index_gates import check_index, forecast, read_listings
from tools.release.source_gates import released_backends


def main(arguments: list[str]) -> int:
    """Print what keeps the files from being uploaded; return 1 if there is anything, and otherwise 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__, allow_abbrev=False)
    parser.add_argument("dist", type=Path, help="the folder of the wheels and sdists")
    parser.add_argument("version", help="the version that is to be released")
    parser.add_argument("--builds", nargs="*", default=[], metavar="BUILD", help="builds to expect; all by default")
    parser.add_argument("--index", default="", help="the address of the index's simple API; PyPI's by default")
    parser.add_argument("--no-index", action="store_true", help="ask no index")
    told = parser.parse_args(arguments)
    try:
        return _check(told)
    except ToolError as error:
        print(printable(str(error)), file=sys.stderr)
        return 1


def _check(told: argparse.Namespace) -> int:
    matrix = load_matrix()
    backends = released_backends(Checkout(), told.version)
    builds = [matrix.cell(name) for name in told.builds] or [
        cell for cell in matrix.builds if cell.backend in (backends or matrix.backends)
    ]
    faults = check(told.dist, matrix, told.version, builds=builds)
    files, _ = read_files(told.dist)
    if not told.no_index:
        listings = read_listings(list(dict.fromkeys(file.project for file in files)), told.index)
        faults += check_index(files, listings)
        print("\n".join(forecast(files, listings)))
    passed = f"{len(files)} files of {told.version} passed every gate."
    print(printable(report(faults, passed=passed)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
