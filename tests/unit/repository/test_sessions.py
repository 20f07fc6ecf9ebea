"""Sessions that build put llama.cpp's source in place first, and look at it only once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tests.support.import_graph import called_name
from tools.paths import ROOT

BUILDERS = {"build_all", "build_upstream", "core_wheel", "plugin_wheels", "rebuilt_core", "require_reproducible"} | {
    *("check_distribution", "check_level", "check_metal", "check_plugin", "check_rocm", "wheel_for"),
}


def sessions() -> Iterator[ast.FunctionDef]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    yield from (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)


def called(node: ast.AST) -> Counter[str]:
    """The names of the functions that `node` calls, each with how often."""
    return Counter(called_name(each) for each in ast.walk(node) if isinstance(each, ast.Call))


def test_sessions_that_build_have_the_source() -> None:
    building = {session.name for session in sessions() if called(session).keys() & BUILDERS}
    assert {"run", "integration", "packaging", "test_cpu", "test_cuda"} <= building
    without = {session.name for session in sessions() if session.name in building} - {
        session.name for session in sessions() if "with_source" in called(session)
    }
    assert without == set()


def test_no_session_looks_at_the_source_twice() -> None:
    """It takes seconds: every file of the packages' copies is read."""
    for session in sessions():
        assert called(session)["with_source"] + called(session)["ensure_source"] <= 1, session.name
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tools").rglob("*.py")]
    assert not any(called(ast.parse(text))["ensure_source"] for text in texts if "ensure_source" in text)
