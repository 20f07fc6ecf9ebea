"""The bindings say what the compiler saw, and import refuses what does not fit."""

import ctypes
import json
import math
from typing import Any

import pytest
from llamapack._native import _generated as api
from llamapack._native.library import check_abi, native, read_abi
from llamapack.errors import InstallationError


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    text = native().llamapack_abi_table()
    assert text is not None
    data: dict[str, Any] = json.loads(text)
    return data


def field_names(struct: type[ctypes.Structure] | type[ctypes.Union]) -> list[str]:
    """Name the fields as C does: those of an anonymous union are the structure's own."""
    names: list[str] = []
    for name, kind, *_ in vars(struct)["_fields_"]:
        names += field_names(kind) if name in getattr(struct, "_anonymous_", ()) else [name]
    return names


def test_every_structure_has_the_compilers_size_alignment_and_offsets(table: dict[str, Any]) -> None:
    ours: dict[str, dict[str, Any]] = {
        struct.__name__: {
            "size": ctypes.sizeof(struct),
            "align": ctypes.alignment(struct),
            "fields": {name: getattr(struct, name).offset for name in field_names(struct)},
        }
        for struct in api.STRUCTS
        if struct.__name__ in table["structs"]
    }
    assert ours == table["structs"]
    assert {"llama_model_params", "llama_context_params", "llama_batch"} <= set(ours)


def test_every_enum_has_the_compilers_values(table: dict[str, Any]) -> None:
    assert set(table["enums"]) == set(api.ENUMS)
    for name, values in table["enums"].items():
        assert {key: int(member) for key, member in getattr(api, name).__members__.items()} == values, name


def test_every_default_parameter_is_read_as_the_compiler_has_it(table: dict[str, Any]) -> None:
    assert set(table["defaults"]) == set(api.DEFAULTS)
    for function, fields in table["defaults"].items():
        value = getattr(native(), function)()
        for path, expected in fields.items():
            found = value
            for name in path.split("."):
                found = getattr(found, name)
            if isinstance(expected, float):
                assert math.isclose(found, expected, rel_tol=1e-6), (function, path)
            elif isinstance(expected, bool | int) and not isinstance(found, ctypes._Pointer):
                assert found == expected, (function, path)
            else:
                assert bool(found) == (expected not in (None, "null")), (function, path)


class Bound:
    """The library as it is, but for one answer."""

    def __init__(self, name: str, answer: bytes) -> None:
        self._name, self._answer = name, answer

    def __getattr__(self, name: str) -> Any:
        return (lambda: self._answer) if name == self._name else getattr(native(), name)


@pytest.mark.parametrize(
    ("function", "what", "expected"),
    [
        ("llamapack_abi_id", "ABI id", read_abi().abi_id),
        ("llamapack_layout_hash", "layout hash", api.LAYOUT_HASH),
    ],
)
def test_libraries_that_do_not_fit_are_refused_with_both_values(function: str, what: str, expected: str) -> None:
    with pytest.raises(InstallationError) as caught:
        check_abi(Bound(function, b"0badcafe"), read_abi().abi_id)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "llamapack's Python files and its libraries do not belong together: "
        f"the {what} of libllamapack is 0badcafe, but the Python files expect {expected}.\n"
        "Run: python -m pip install --force-reinstall llamapack"
    )


def test_structures_of_another_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Longer(ctypes.Structure):
        _fields_ = (("field", ctypes.c_char * 999),)

    monkeypatch.setattr(api, "STRUCTS", (Longer, *api.STRUCTS[1:]))
    with pytest.raises(InstallationError, match=r"the structure sizes of libllamapack is \[.*expect \[999, "):
        check_abi(native(), read_abi().abi_id)


def test_the_build_is_named_by_the_pin() -> None:
    info = (native().llamapack_build_info() or b"").decode()
    assert info.endswith(f"-{read_abi().llama_commit[:9]}")
