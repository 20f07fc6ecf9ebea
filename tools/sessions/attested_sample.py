"""A file with a real attestation, as the input for tests of what verifies them: no test can have a workflow sign one.

It is among the test files in the source distribution of PyPI's own program.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from tools.paths import cache_dir
from tools.release.attestations import Identity, attestation_of
from tools.util.downloads import download
from tools.util.files import locked, staged_folder
from tools.util.scratch import temporary_folder

REQUIREMENT = "pypi-attestations==0.0.31"
SHA256 = "5a2473aca7d7f65caf2c3a985691c5cf9264a97fa68c98fbae6e96320bcc7c9a"
NAME = "pypi_attestations-0.0.19.tar.gz"
SIGNED_BY = Identity(
    repository="https://github.com/trailofbits/pypi-attestations", workflow="release.yml", ref="refs/tags/v0.0.19"
)


def attested_sample() -> Path:
    """Return the path of the file; its attestation lies beside it. Both are downloaded once."""
    folder = cache_dir() / "attested" / SHA256[:12]
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            with temporary_folder("attested") as scratch, staged_folder(folder) as staged:
                sdist = download(REQUIREMENT, SHA256, scratch, kind="sdist", what="A file with an attestation")
                with tarfile.open(sdist) as packed:
                    packed.extractall(scratch / "sdist", filter="data")
                (found,) = scratch.glob(f"sdist/*/test/assets/{NAME}")
                for path in (found, attestation_of(found)):
                    shutil.copy(path, staged)
    return folder / NAME
