"""The steps of a release that need packages of others: python -m tools.release STEP --help.

`inv release.STEP` calls them, with the packages of requirements/release.txt and whatever else a step needs.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pypi_simple import PYPI_SIMPLE_ENDPOINT

from tools.errors import ToolError, printable
from tools.matrix import load_matrix
from tools.paths import BUILD, Checkout
from tools.release import announcing, attestations, publishing, trying_out
from tools.release.gates.faults import report
from tools.release.gates.files import SUFFIXES, check, read_files
from tools.release.gates.index import check_index, forecast, read_listings
from tools.release.gates.source import released_backends
from tools.release.rows import builds_of
from tools.util.logs import shown_by
from tools.util.venv import Environment

Told = argparse.Namespace


def main(arguments: list[str]) -> int:
    """Run one step; return 0, or 1 after a message of what is wrong and what to do."""
    told = _parser().parse_args(arguments)
    with shown_by(logging.StreamHandler(sys.stderr)):
        try:
            return STEPS[told.step](told)
        except ToolError as error:
            print(printable(str(error)), file=sys.stderr)
            return 1


def _check(told: Told) -> int:
    matrix, faults = load_matrix(), []
    backends = released_backends(Checkout(), told.version)
    builds = [matrix.cell(name) for name in told.builds.split(",") if name] or builds_of(matrix, backends)
    faults += check(told.dist, matrix, told.version, builds=builds)
    files, _ = read_files(told.dist)
    if told.index != "none":
        listings = read_listings(list(dict.fromkeys(file.project for file in files)), told.index)
        faults += check_index(files, listings)
        print("\n".join(forecast(files, listings)))
    print(printable(report(faults, passed=f"{len(files)} files of {told.version} passed every gate.")))
    return 1 if faults else 0


def _try(told: Told) -> int:
    print(f"Installed and used: {' '.join(trying_out.try_out(told.dist, told.version))}")
    return 0


def _attest(told: Told) -> int:
    made = attestations.sign(_files(told.dist))
    print(f"Signed {len(made)} files.")
    return 0


def _publish(told: Told) -> int:
    uv = Environment(folder=Path(sys.prefix)).program("uv")
    simple = told.index or PYPI_SIMPLE_ENDPOINT
    done = publishing.publish(_files(told.dist), simple, publishing.uv_upload(uv, told.upload))
    print(f"Uploaded {len(done.uploaded)} files; {len(done.there)} were there before.")
    return 0


def _announce(told: Told) -> int:
    assets = announcing.write_assets(Checkout(), told.dist, told.version, BUILD / "release" / "github")
    announcing.announce(Checkout(), told.version, assets)
    print(f"Released {told.version} at GitHub with {len(assets)} files.")
    return 0


def _files(dist: Path) -> list[Path]:
    return sorted(path for path in dist.glob("*") if path.name.endswith(SUFFIXES))


STEPS: Mapping[str, Callable[[Told], int]] = {
    "check": _check,
    "try": _try,
    "attest": _attest,
    "publish": _publish,
    "announce": _announce,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__, allow_abbrev=False)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("dist", type=Path, help="the folder of the wheels and sdists")
    parser.add_argument("version", help="the version that is to be released")
    parser.add_argument("--builds", default="", help="builds to expect, separated by commas; all by default")
    parser.add_argument("--index", default="", help="the index's simple API, or `none`; PyPI's by default")
    parser.add_argument("--upload", default="", help="the address that files are uploaded to; PyPI's by default")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
