"""Make a release, and rehearse one in front of an index on this machine.

versions      The version of all packages and the pins between them: read, compared, set.
changelog     What is under Unreleased becomes the section of the version.
prepare       Set a version everywhere and date its section: `inv release.prepare`.
gates         What must hold before anything is uploaded: of the checkout, of the files, of the index.
provenance    What a release was made of, and how it was checked: release.json, and the same as a page.
distribution  A wheel or an sdist as a file: its name, version and metadata, read without unpacking it.
simple_api    Ask a package index what files it has.
index         A package index on loopback, as PyPI behaves: pip, uv and twine can install from it and upload to it.
publishing    Publish a release: the plug-ins first, the core last, so that a stop half-way breaks nothing.
resolution    Ask pip and uv what they would install for any Python and system, and compare it with the matrix.
attestations  Who published which bytes: signed in the publishing workflow, and verified by anyone.
foreign_pip   Ask pip as if it ran on another machine; pip runs it.
rows          The rows of the release workflow's jobs: which wheel is built on which runner.
trying_out    Install the wheels of a release by name from an index that has nothing else, and use them.
announcing    The release at GitHub: the changelog's section, checksums, SBOMs.
upstream      Propose a newer llama.cpp, with a report on the patches, as a pull request.
"""

__all__ = [
    "announcing",
    "attestations",
    "changelog",
    "distribution",
    "foreign_pip",
    "gates",
    "index",
    "prepare",
    "provenance",
    "publishing",
    "resolution",
    "rows",
    "simple_api",
    "trying_out",
    "upstream",
    "versions",
]
