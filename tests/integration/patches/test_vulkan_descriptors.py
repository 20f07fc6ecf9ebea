"""The patch for descriptor sets of the Vulkan backend: none keeps a buffer that was destroyed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.native_programs import compiler, upstream_file
from tools.paths import ROOT

PROGRAM = ROOT / "tests" / "support" / "programs" / "vulkan-descriptors.cpp"
HEADER = "ggml/src/ggml-vulkan/ggml-vulkan-common.h"
FUNCTION = re.compile(
    r"^template <typename T>\ninline void ggml_vk_dispatch_pipeline\(.*?^}\n", re.MULTILINE | re.DOTALL
)


def left_in_the_set(tree: str, folder: Path) -> list[int]:
    """Return the buffers in a set of twelve bindings after 1, 2 and 3, then 3's destruction, then 4 and 5."""
    found = FUNCTION.search(upstream_file(tree, HEADER).decode())
    assert found
    (folder / "dispatch.inc").write_text(found[0], encoding="utf-8")
    words = [compiler(), "-std=c++17", f"-I{folder}", str(PROGRAM), "-o", str(folder / "program")]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([folder / "program"], capture_output=True, encoding="utf-8", check=True).stdout
    return [int(word) for word in said.split()]


def test_a_set_holds_the_buffers_of_the_last_pipeline_alone(tmp_path: Path) -> None:
    assert left_in_the_set("patched", tmp_path) == [4, 5, *[4] * 10]


def test_upstream_still_needs_the_patch(tmp_path: Path) -> None:
    assert left_in_the_set("upstream", tmp_path) == [4, 5, 3, *[0] * 9]
