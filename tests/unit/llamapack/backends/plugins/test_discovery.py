"""Plug-ins are found among installed packages, and a broken one is on its own. Packages are made in a folder."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from llamapack.backends import survey
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins.discovery import Discovery, sort_out
from llamapack.backends.plugins.entry_points import EntryPoint, entry_points, installed_plugins, package_version
from llamapack.backends.survey import Survey, discover
from llamapack.backends.verdicts import Fault, Status

from tests.support.plugins.installed import install
from tests.support.plugins.making import DESCRIBE


def found() -> tuple[list[str], dict[str, tuple[Status, Fault | None, str, str]]]:
    """The names of the plug-ins, and what is said of the others."""
    discovery = discover()
    findings = {each.package: (each.status, each.fault, each.reason, each.remedy) for each in discovery.rejected}
    return [plugin.name for plugin in discovery.plugins], findings


def test_without_plugins_nothing_is_found(site: Path) -> None:
    assert discover() == Discovery(plugins=(), rejected=())


def test_plugins_are_found_in_any_folder(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "one")
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.syspath_prepend(other)
    install(other, "two", package="somebodys-two")
    assert found() == (["two", "one"], {})


BROKEN = {
    "raises on import": (
        "1 / 0",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: ZeroDivisionError: division by zero",
    ),
    "leaves on import": (
        "raise SystemExit(3)",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: SystemExit: 3",
    ),
    "panics on import": (
        "class Panic(BaseException): pass\nraise Panic('a Rust library gave up')",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: Panic: a Rust library gave up",
    ),
    "cannot say why": (
        "class Mute(Exception):\n    def __str__(self): raise self\nraise Mute",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: Mute: it cannot say why",
    ),
    "says too much": (
        "raise OSError('x' * 2 ** 20)",
        Fault.IMPORT,
        f"its entry point llamapack_bad:describe cannot be imported: OSError: {'x' * 500}",
    ),
    "has no function": (
        "",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe cannot be imported: "
        "AttributeError: module 'llamapack_bad' has no attribute 'describe'",
    ),
    "raises when asked": (
        "def describe():\n    raise OSError('no such thing')",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe failed: OSError: no such thing",
    ),
    "wants an argument": (
        "def describe(x):\n    pass",
        Fault.IMPORT,
        "its entry point llamapack_bad:describe failed: "
        "TypeError: describe() missing 1 required positional argument: 'x'",
    ),
    "returns something else": (
        "def describe():\n    return {}",
        Fault.WRONG_TYPE,
        "its entry point llamapack_bad:describe returned a dict, and not a BackendPlugin",
    ),
    "contradicts its package": (
        DESCRIBE.replace('read_plugin(Path(__file__).parent / "lib")', "BackendPlugin(**X)").replace(
            "import read_plugin",
            "import BackendPlugin\n    X = dict(name='ugly', package='other', version='1', library=Path(__file__), "
            "abi_id='1', llama_commit='2')",
        ),
        Fault.WRONG_TYPE,
        "its description does not fit the contract: name is 'ugly', but its entry point is 'bad'; "
        "package is 'other', but the installed package is 'llamapack-bad'",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_said_and_stops_no_other(site: Path, kind: str) -> None:
    source, fault, reason = BROKEN[kind]
    install(site, "bad", source)
    install(site, "good")
    assert found() == (
        ["good"],
        {
            "llamapack-bad": (
                Status.REFUSED,
                fault,
                f"llamapack-bad 1.0 is not used: {reason}",
                "python -m pip install --force-reinstall llamapack-bad",
            )
        },
    )


def test_a_missing_library_is_said(site: Path) -> None:
    install(site, "bad", library=False)
    path = (site / "llamapack_bad" / "lib" / "libbad.so").resolve()
    names, findings = found()
    assert names == []
    assert findings["llamapack-bad"][1:3] == (
        Fault.MISSING_FILE,
        f"llamapack-bad 1.0 is not used: its library {path} is missing",
    )


@pytest.mark.parametrize("name", ["x" * 300, "nul\\u0000", "lib"])
def test_a_library_that_cannot_be_a_file_is_said(site: Path, name: str) -> None:
    install(site, "bad", library=False)
    path = site / "llamapack_bad" / "lib" / "backend.json"
    path.write_text(path.read_text(encoding="utf-8").replace("libbad.so", name), encoding="utf-8")
    (path.parent / "lib").mkdir()
    install(site, "good")
    names, findings = found()
    assert (names, findings["llamapack-bad"][1]) == (["good"], Fault.MISSING_FILE)


def test_a_missing_description_is_said(site: Path) -> None:
    install(site, "bad")
    (site / "llamapack_bad" / "lib" / "backend.json").unlink()
    _, findings = found()
    assert "backend.json cannot be read." in findings["llamapack-bad"][2]


def test_of_two_plugins_of_a_name_the_official_one_is_used(site: Path) -> None:
    install(site, "vulkan", package="better-vulkan")
    install(site, "vulkan")
    assert found() == (
        ["vulkan"],
        {
            "better-vulkan": (
                Status.REFUSED,
                Fault.DUPLICATE,
                "better-vulkan 1.0 is not used: llamapack-vulkan offers the backend 'vulkan' too, "
                "and llamapack-vulkan is used",
                "python -m pip uninstall better-vulkan",
            )
        },
    )


def test_of_two_foreign_plugins_of_a_name_none_is_used(site: Path) -> None:
    for package in ("a-vulkan", "b-vulkan"):
        install(site, "vulkan", package=package)
    names, findings = found()
    assert names == []
    assert {name: said[3] for name, said in findings.items()} == {
        "a-vulkan": "python -m pip uninstall a-vulkan  (or b-vulkan)",
        "b-vulkan": "python -m pip uninstall b-vulkan  (or a-vulkan)",
    }


def test_a_package_that_offers_a_name_twice_is_not_used(site: Path) -> None:
    install(site, "vulkan", DESCRIBE + "again = describe\n")
    file = site / "llamapack_vulkan-1.0.dist-info" / "entry_points.txt"
    file.write_text(file.read_text(encoding="utf-8") + "vulkan = llamapack_vulkan:again\n", encoding="utf-8")
    names, findings = found()
    assert (names, findings["llamapack-vulkan"][1]) == ([], Fault.DUPLICATE)


def test_what_pip_left_behind_is_no_package(site: Path) -> None:
    install(site, "one")
    (site / "llamapack_one-1.0.dist-info").rename(site / "~lamapack_one-1.0.dist-info")
    assert found() == ([], {})


def test_odd_entries_of_the_search_path_are_passed_over(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "one")
    odd = [None, 3, b"/usr", site / "nowhere", str(site / ("x" * 300)), ""]
    monkeypatch.setattr(sys, "path", [*odd, *sys.path, "nul\0"])
    assert found() == (["one"], {})


def test_three_of_a_name_are_sorted_out_alike(tmp_path: Path) -> None:
    def plugin(package: str) -> BackendPlugin:
        library = tmp_path / "x.so"
        return BackendPlugin(name="a", package=package, version="1", library=library, abi_id="1", llama_commit="2")

    discovery = sort_out(map(plugin, ("one", "Llamapack_A", "two")))
    assert [kept.package for kept in discovery.plugins] == ["Llamapack_A"]
    assert [finding.package for finding in discovery.rejected] == ["one", "two"]


def test_our_reader_agrees_with_importlib() -> None:
    groups = importlib.metadata.entry_points().groups
    assert groups
    for group in groups:
        theirs = {
            (each.name, each.value.partition("[")[0].strip()) for each in importlib.metadata.entry_points(group=group)
        }
        assert {(each.name, each.value) for each in entry_points(group)} == theirs
    for name in ("pytest", "PluggY", "no_such-package"):
        try:
            version: str | None = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        assert package_version(name) == version


def test_packages_in_an_archive_are_found(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "one")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in site.rglob("*"):
            file.write(path, path.relative_to(site))
    monkeypatch.setattr(sys, "path", [str(archive), *(entry for entry in sys.path if entry != str(site))])
    importlib.invalidate_caches()
    place = f"{archive}/llamapack-one.dist-info"
    assert entry_points("llamapack.backends") == (
        EntryPoint(name="one", value="llamapack_one:describe", package="llamapack-one", version="1.0", folder=place),
    )
    assert package_version("llamapack_one") == "1.0"


def test_importing_llamapack_discovers_nothing_and_discovery_imports_little(site: Path) -> None:
    install(site, "bad", "raise SystemExit('imported')")
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; import llamapack, llamapack.backends.devices\n"
        "assert 'llamapack.backends.plugins.discovery' not in sys.modules, 'discovered on import'\n"
        "from llamapack.backends.survey import discover; discover()\n"
        "assert 'importlib.metadata' not in sys.modules, 'slow'\n"
    )
    package = Path(discover.__code__.co_filename).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, package, site], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_searches_for_plugins_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(group: str) -> tuple[EntryPoint, ...]:
        raise AssertionError(f"{group} is searched for again")

    install(site, "one")
    installed_plugins.cache_clear()
    try:
        assert [entry.name for entry in installed_plugins()] == ["one"]
        monkeypatch.setattr(survey, "entry_points", search)
        Survey.begin()
    finally:
        installed_plugins.cache_clear()


def test_a_plugin_that_is_remembered_costs_no_process_and_few_imports(site: Path) -> None:
    install(site, "one")
    assert found() == (["one"], {})
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from llamapack.backends.survey import discover; assert discover().plugins\n"
        "print([name for name in ('importlib.metadata', 'importlib.util', 'subprocess', 'tempfile') "
        "if name in sys.modules])\n"
    )
    package = Path(discover.__code__.co_filename).parents[2]
    words = [sys.executable, "-I", "-S", "-c", code, str(package), str(site)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
