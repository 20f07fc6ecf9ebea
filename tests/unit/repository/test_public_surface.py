"""What the API reference publishes: public modules only, and every public name in them with a docstring."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import llamapack
import pytest

from tools.paths import ROOT


@pytest.fixture(scope="module")
def make_api() -> ModuleType:
    """docs/make_api.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_names(module: ModuleType) -> list[str]:
    """The names of __all__; without one, those of the functions and classes that are defined in the module."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def undocumented(name: str, value: Any) -> list[str]:
    """Return what of a function or class has no docstring: itself, or public members that are defined in it."""
    if not callable(value) or not str(getattr(value, "__module__", "")).startswith("llamapack"):
        return []
    found = [] if value.__doc__ else [name]
    if isinstance(value, type):
        members = {key: each for key, each in vars(value).items() if not key.startswith("_")}
        documented = (property, staticmethod, classmethod)
        for key, each in members.items():
            if (inspect.isfunction(each) or isinstance(each, documented)) and not each.__doc__:
                found.append(f"{name}.{key}")
    return found


def test_no_private_module_is_published(make_api: ModuleType) -> None:
    parts = [part for name in make_api.published() for part in name.split(".")]
    assert [part for part in parts if part.startswith("_") or part == "cli"] == []
    assert len(set(make_api.published())) == len(make_api.published()) == len(llamapack.PUBLIC_MODULES) + 1


@pytest.mark.parametrize("name", ["llamapack", *(f"llamapack.{name}" for name in llamapack.PUBLIC_MODULES)])
def test_a_public_module_can_be_imported_and_is_documented(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    names = public_names(module)
    assert names
    assert [each for key in names for each in undocumented(f"{name}.{key}", getattr(module, key))] == []


def test_a_public_module_is_there_without_importing_it() -> None:
    for name in llamapack.PUBLIC_MODULES:
        first = name.partition(".")[0]
        assert inspect.ismodule(llamapack.__getattr__(first)), first


def test_type_checkers_know_what_is_fetched_when_it_is_used() -> None:
    """For any other name, `__getattr__` makes them take everything for Any."""
    tree = ast.parse(Path(llamapack.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    known = {alias.asname: str(node.module) for node in imports for alias in node.names}
    modules = {name: "llamapack" for name in llamapack.PUBLIC_MODULES if "." not in name}
    assert known == modules | {name: f"llamapack.{home}" for name, home in llamapack._HOME.items()}


def test_no_public_name_of_the_package_is_a_module_and_a_function() -> None:
    modules = {name for name in llamapack.PUBLIC_MODULES if "." not in name}
    assert modules & set(llamapack.__all__) == set()


def test_members_of_private_base_classes_are_adopted(make_api: ModuleType) -> None:
    class Base:
        def shown(self) -> None:
            """Do something."""

        def hidden(self) -> None:
            """For this package: do something else."""

    class Public(Base):
        pass

    Base.__module__ = "llamapack._native.owner"
    make_api.adopt_members(Public, {"llamapack"})
    assert "shown" in vars(Public)
    assert "hidden" not in vars(Public)


def test_something_without_a_docstring_is_found() -> None:
    class Bare:
        def method(self) -> None:
            pass

    Bare.__module__ = "llamapack.x"
    assert undocumented("Bare", Bare) == ["Bare", "Bare.method"]
