"""This machine, and the systems that it can emulate.

host             What this machine can do for a cell of the matrix: run it, emulate it, compile it, or nothing.
emulators        Find and install emulators of processors and systems.
apt              Debian's packages: install missing ones, or unpack one from a later release.
browsers         Find the browser that tests use the web page in.
debian_roots     Root folders of other Debian releases and processors, made with debootstrap, to run programs in.
user_namespace   Run a program as root of its own user namespace.
distributions    Install the wheel into other distributions' Pythons, with their own pip and without a network.
piped            Run a program whose output goes into a pipe.
target_packages  Packages for another Python than one that runs here: downloaded, or unpacked.
windows_python   A Python for Windows, to run llamapack under Wine: CPython's embeddable distribution.
wine             That Python with installed wheels, and a display that nobody sees.
"""

__all__ = [
    "apt",
    "browsers",
    "debian_roots",
    "distributions",
    "emulators",
    "host",
    "piped",
    "target_packages",
    "user_namespace",
    "windows_python",
    "wine",
]
