"""Make a release, and rehearse one in front of an index on this machine.

versions      The version of all packages and the pins between them: read, compared, set.
changelog     What is under Unreleased becomes the section of the version.
distribution  A wheel or an sdist as a file: its name, version and metadata, read without unpacking it.
index         A package index on loopback, as PyPI behaves: pip, uv and twine can install from it and upload to it.
"""

__all__ = ["changelog", "distribution", "index", "versions"]
