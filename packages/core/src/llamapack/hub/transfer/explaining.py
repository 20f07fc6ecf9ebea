"""What went wrong between us and a server, in words."""

from __future__ import annotations

import urllib.error
from http import HTTPStatus

from llamapack.errors import DownloadError, ModelError, ModelNotFoundError
from llamapack.hub.transfer.transport import BrokenError, RefusedError

_LOG_IN = "Set HF_TOKEN to a token of yours, run `hf auth login`, or give token=."
PROBLEMS = (BrokenError, RefusedError, urllib.error.URLError)
"""What Transport raises; HTTPError is a URLError."""


def explained(error: Exception, what: str, *, repository: str = "", kept: str = "") -> ModelError:
    """Return the error to raise for what happened while `what` was asked for; `kept` says what is left."""
    if isinstance(error, urllib.error.HTTPError):
        return _answered(error, what, repository, kept)
    if isinstance(error, RefusedError):
        return DownloadError(f"{what} cannot be downloaded.", why=str(error), fix="Name the right address.")
    why = str(error.reason if isinstance(error, urllib.error.URLError) else error)
    why = f"{why[:1].upper()}{why[1:]}."
    return DownloadError(f"{what} cannot be downloaded.", why=why, fix=f"Check the network. {kept}".strip())


def _answered(error: urllib.error.HTTPError, what: str, repository: str, kept: str) -> ModelError:
    status, code = error.code, error.headers.get("X-Error-Code") or ""
    page = f"https://huggingface.co/{repository}" if repository else ""
    if code == "GatedRepo" or (status == HTTPStatus.FORBIDDEN and page):
        terms = f"Accept its terms at {page or 'its page'} with your account. {_LOG_IN}"
        return DownloadError(f"{what} is not open to you.", status=status, why=_status(error), fix=terms)
    if status == HTTPStatus.UNAUTHORIZED:
        why = f"{_status(error)} Either it does not exist, or it is private."
        return DownloadError(f"{what} needs a token.", status=status, why=why, fix=f"Check the name. {_LOG_IN}")
    if status == HTTPStatus.NOT_FOUND:
        missing = "revision" if code == "RevisionNotFound" else "name"
        return ModelNotFoundError(f"{what} does not exist.", why=_status(error), fix=f"Check the {missing}.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        fix = f"Wait a while; with a token more is allowed. {kept}".strip()
        return DownloadError(f"{what} cannot be downloaded now.", status=status, why=_status(error), fix=fix)
    return DownloadError(f"{what} cannot be downloaded.", status=status, why=_status(error), fix=kept or "Try again.")


def _status(error: urllib.error.HTTPError) -> str:
    return f"The server answers {error.code} {error.reason}."
