"""Audit the libraries of a wheel and print the report: python -m tools.audit WHEEL [LIBRARY] [--whole]."""

from __future__ import annotations

import argparse

from tools.audit.report import audited


def main() -> None:
    """Print the report on the wheel; exit with status 1 and the report if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description="Judge the libraries of a wheel.")
    parser.add_argument("wheel")
    parser.add_argument("library", nargs="?", default="", help="judge only this library of the wheel, by file name")
    parser.add_argument("--whole", action="store_true", help="also fail if a part of the wheel cannot be judged here")
    arguments = parser.parse_args()
    print(audited(arguments.wheel, arguments.library, whole=arguments.whole))


if __name__ == "__main__":
    main()
