"""The pin file: every field is needed, known and well formed, or refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.paths import PIN
from tools.vendoring.source.pin import load_pin, render_pin

GOOD = f"""\
repository = "https://example.org/llama.cpp.git"
commit = "{"a" * 40}"
tree = "{"b" * 40}"
ggml_tree = "{"c" * 40}"
build_number = 12
[[mirrors]]
package = "some-package"
version = "1.0"
sha256 = "{"d" * 64}"
git_dir = ".git/modules/vendor/llama.cpp"
"""
FIELDS = {
    "repository": ['""', "3", '"-evil"', '"two words"'],
    "commit": ['"abc"', f'"{"A" * 40}"', '"master"', "1"],
    "tree": ['"abc"'],
    "ggml_tree": ["[]"],
    "build_number": ["-1", "true", '"7"', "1.5"],
    "package": ['"a b"', '"-r"', '"../x"'],
    "version": ['""', '"1 --index-url=x"'],
    "sha256": ['"abc"', f'"{"d" * 63}"'],
    "git_dir": ['"/etc"', '"a//b"', '""'],
}


def pin_file(folder: Path, text: str) -> Path:
    path = folder / "llama.cpp.toml"
    path.write_text(text, encoding="utf-8")
    return path


def table_of(field: str) -> str:
    return "mirrors[0]" if field in {"package", "version", "sha256", "git_dir"} else ""


def where(field: str) -> str:
    return f"{table}.{field}" if (table := table_of(field)) else field


def test_committed_pin_is_what_a_bump_would_write() -> None:
    assert render_pin(load_pin()) == PIN.read_text(encoding="utf-8")


def test_written_pin_is_read_back(tmp_path: Path) -> None:
    pin = load_pin(pin_file(tmp_path, GOOD))
    assert load_pin(pin_file(tmp_path, render_pin(pin))) == pin
    assert (pin.build_number, pin.mirrors[0].version) == (12, "1.0")


@pytest.mark.parametrize("field", FIELDS)
def test_missing_field_is_refused_by_its_name(tmp_path: Path, field: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{field} ="))
    with pytest.raises(ToolError) as refusal:
        load_pin(pin_file(tmp_path, text))
    assert refusal.value.what == f"llama.cpp.toml: {table_of(field) or 'the file'} has no {field!r}."


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FIELDS.items() for value in values])
def test_malformed_field_is_refused_by_its_name(tmp_path: Path, field: str, value: str) -> None:
    lines = [f"{field} = {value}" if line.startswith(f"{field} =") else line for line in GOOD.splitlines()]
    with pytest.raises(ToolError) as refusal:
        load_pin(pin_file(tmp_path, "\n".join(lines)))
    assert f": {where(field)} is " in refusal.value.what
    assert refusal.value.fix.startswith("It must be ")


@pytest.mark.parametrize(("text", "name"), [("branch = 'x'\n" + GOOD, "branch"), (GOOD + "url = 'x'\n", "url")])
def test_unknown_field_is_refused_by_its_name(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(ToolError) as refusal:
        load_pin(pin_file(tmp_path, text))
    table = "mirrors[0]" if name == "url" else "the file"
    assert refusal.value.what == f"llama.cpp.toml: {table} has an unknown key {name!r}."


@pytest.mark.parametrize(
    ("text", "words"), [("commit = ", "is not valid TOML"), (GOOD.replace("[[mirrors]]", "[mirrors]"), "mirrors is ")]
)
def test_file_of_another_form_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        load_pin(pin_file(tmp_path, text))


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"llama.cpp.toml was not found"):
        load_pin(tmp_path / "llama.cpp.toml")
