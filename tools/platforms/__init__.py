"""This machine, and the systems that it can emulate.

host            What a machine can do for a cell of the matrix: run it, emulate it, compile it, or nothing.
emulators       Emulators of processors and systems.
apt             Debian's packages: install what is missing, or take the files of one package out of a later release.
debian_roots    Root folders of other Debian releases and processors: made once with debootstrap, then run in, unchanged
user_namespace  Run a program as root of a user namespace of its own: `python -I user_namespace.py PROGRAM ARGUMENT...`.
distributions   Put the wheel into other distributions' Pythons, by their own pip and without a network, to try it there
windows_python  A Python for Windows, to run ours under Wine: CPython's embeddable distribution, out of a hash-pinned pa
"""

__all__ = ["apt", "debian_roots", "distributions", "emulators", "host", "user_namespace", "windows_python"]
