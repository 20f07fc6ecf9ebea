"""Which model a request names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from llamapack.server.reading import field, read_object
from llamapack.server.refusal import Refusal

_IN_FORM = re.compile(rb'name="model"(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]{0,1000})\r\n')


def model_in(body: bytes, content_type: str, query: str) -> str:
    """Return the name of the model in a request: in its JSON, its form, or its query; raises Refusal without one."""
    if not body:
        name = _first(parse_qs(query), "model")
    elif content_type.startswith("multipart/"):
        found = _IN_FORM.search(body)
        name = found[1].decode("utf-8", "replace") if found else ""
    else:
        name = field(read_object(body), "model", str, "")
    if not name:
        raise Refusal(400, "model_missing", "This server has several models: the request must name one as `model`.")
    return name


def _first(fields: Mapping[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]
