"""Ask a package index what files it has, by its simple API in JSON (PEP 691)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from tools.errors import ToolError

JSON = "application/vnd.pypi.simple.v1+json"
SECONDS = 60


def listed_files(simple: str, project: str) -> dict[str, str]:
    """Return the SHA-256 of each file of `project` by name, from the simple API at `simple`; none if it is unknown."""
    address = f"{simple.rstrip('/')}/{project}/"
    if not address.startswith(("https://", "http://127.0.0.1:")):
        raise ToolError(f"{simple} is no address of an index.", fix="Use one that begins with https://")
    request = urllib.request.Request(address, headers={"Accept": JSON, "Cache-Control": "no-cache"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            files = json.load(answer)["files"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise ToolError(f"{address} answers {error.code} {error.reason}.", fix="Try again later.") from error
    except (OSError, ValueError, KeyError) as error:
        raise ToolError(
            f"{address} cannot be read.", why=str(error), fix="Check the network and the address."
        ) from error
    return {str(each["filename"]): str(each["hashes"].get("sha256", "")) for each in files}
