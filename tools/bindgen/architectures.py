"""The architectures that llama.cpp knows, by the names that files have for them."""

from __future__ import annotations

import re
from pathlib import Path

from tools.errors import ToolError
from tools.paths import CORE, SYNCED

_LIST = CORE / "src" / "llamapack" / "gguf" / "architectures.py"
_NAMES = re.compile(r"LLM_ARCH_NAMES = \{\n(.*?)\n\};", re.DOTALL)
_NAME = re.compile(r'\{ LLM_ARCH_\w+, *"([^"(]+)" *\}')


def generate_architectures(source: Path = SYNCED) -> dict[Path, str]:
    """Return the text of the list of architectures of the llama.cpp tree at `source`, by its path."""
    file = source / "src" / "llama-arch.cpp"
    table = _NAMES.search(file.read_text(encoding="utf-8"))
    names = sorted(_NAME.findall(table[1])) if table else []
    if not names:
        raise ToolError(f"{file} has no table LLM_ARCH_NAMES that can be read.", fix=f"Change {Path(__file__).name}.")
    lines = "".join(f'        "{name}",\n' for name in names)
    text = (
        "# Generated from llama.cpp's llama-arch.cpp by tools/bindgen: run `nox -t gen`, do not edit.\n"
        '"""The architectures that this llama.cpp knows."""\n\n'
        "from __future__ import annotations\n\n"
        f"ARCHITECTURES = frozenset(\n    {{\n{lines}    }}\n)\n"
    )
    return {_LIST: text}
