"""Chat templates rendered by Jinja2 itself, set up as Hugging Face's transformers does it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

_MARKS = re.compile(r"\{%-? *(?:end)?generation *-?%\}")  # around answers in training; they write nothing


def render_template(
    source: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    add_generation_prompt: bool = True,
    **variables: Any,
) -> str:
    """Return the prompt that a model was trained with; raises TemplateError if the template refuses the messages."""
    environment = SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _to_json
    environment.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.now().strftime(form))
    variables = {"date_string": datetime.now().strftime("%d %b %Y"), **variables}
    text: str = environment.from_string(_MARKS.sub("", source)).render(
        messages=messages, tools=tools, add_generation_prompt=add_generation_prompt, **variables
    )
    return text


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **{"ensure_ascii": False, **options})


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
