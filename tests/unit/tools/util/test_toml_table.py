"""What a TOML file should not hold is refused by the name of its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.util.toml_table import read_toml
from tools.verification.demo_model import MODELS, load_model


def test_a_number_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("size = 89", encoding="utf-8")
    assert read_toml(tmp_path / "a.toml").number("size") == 89


@pytest.mark.parametrize("value", ['"89"', "true", "8.9"])
def test_what_is_no_whole_number_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.toml").write_text(f"size = {value}", encoding="utf-8")
    with pytest.raises(ToolError, match=r"^a\.toml: size is .*\nIt must be a number\.$"):
        read_toml(tmp_path / "a.toml").number("size")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("wheel_mib = 89", 'wheel_mib = "89"', "demo.wheel_mib is '89', a string"),
        ("license", "licence", "demo has an unknown key 'licence'"),
        ("[demo]", "[other]", "the file has no 'demo'"),
    ],
)
def test_a_wrong_list_of_models_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = MODELS.read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ToolError) as caught:
        load_model("demo", tmp_path / "models.toml")
    assert message in caught.value.what
