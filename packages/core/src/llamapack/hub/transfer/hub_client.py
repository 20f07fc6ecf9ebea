"""Downloads by huggingface_hub, where it is installed: it knows the hub's newer storage, Xet, which is faster."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

from llamapack.errors import DownloadError
from llamapack.hub.listing import RepositoryFile
from llamapack.hub.progress import Progress
from llamapack.hub.settings import is_offline, wants_xet

_NEEDED = ("huggingface_hub", "hf_xet")


def knows(file: RepositoryFile) -> bool:
    """Return True if huggingface_hub has a better way to get a file than we do, and may be asked."""
    wanted = bool(file.xet) and wants_xet() and not is_offline()  # it reads HF_HUB_OFFLINE itself
    return wanted and all(importlib.util.find_spec(name) for name in _NEEDED)


def download(
    repository: str,
    commit: str,
    file: RepositoryFile,
    *,
    endpoint: str,
    root: Path,
    token: str | None,
    progress: Progress | None,
) -> None:
    """Download a file into the cache at `root`; raises DownloadError."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        hf_hub_download(
            repository,
            file.path,
            revision=commit,
            cache_dir=root,
            endpoint=endpoint,
            token=token or False,
            tqdm_class=_bar(file, progress),
        )
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        why = f"huggingface_hub says: {str(error) or type(error).__name__}"
        raise DownloadError(f"{file.path} cannot be downloaded.", why=why, fix="Check the network.") from error


def _bar(file: RepositoryFile, progress: Progress | None) -> type[Any]:
    """Return a progress bar that shows nothing, and tells `progress`."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*arguments, **options | {"file": io.StringIO(), "disable": False})

        def update(self, count: float | None = 1) -> bool | None:
            shown: bool | None = super().update(count)
            if progress is not None:
                progress(file.path, min(int(self.n), file.size), file.size)
            return shown

    return Bar
