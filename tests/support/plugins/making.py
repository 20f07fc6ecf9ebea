"""Build plug-ins for tests with the machine's C compiler, and pack them as wheels that pip can install.

`Plugin()` is a working one; each field breaks one thing. Nothing here imports llamapack.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tools.paths import CORE, SYNCED

HERE = Path(__file__).resolve().parent
SHARED = CORE / "native" / "shared"
Fault = Literal["", "segv", "ill", "abort", "hang", "exit", "garbage", "flood", "grandchild"]
Moment = Literal["load", "init", "list", "compute"]
DESCRIBE = '''\
"""A backend for llamapack. Importing this does nothing."""


def describe():
    """Return what llamapack must know of the library here."""
    from pathlib import Path

    from llamapack.backends.contract import read_plugin

    return read_plugin(Path(__file__).parent / "lib")
'''


@dataclass(frozen=True, kw_only=True)
class Core:
    """An installed core, which a plug-in is built for."""

    package: Path
    version: str
    abi_id: str
    llama_commit: str

    @property
    def library(self) -> Path:
        """The path of its libggml-base."""
        return self.package / "lib" / f"libggml-base-{self.abi_id}.so"


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plug-in to build. The last fields make a compatibility check fail, or break the package."""

    name: str = "example"
    package: str = ""
    """`llamapack-NAME` where it is empty."""
    devices: int = 1
    kind: Literal["GPU", "IGPU", "ACCEL"] = "GPU"
    device_id: str | None = None
    memory: int = 4 << 30
    scale: float = 1.0
    """Anything but 1.0 multiplies wrongly."""
    fault: Fault = ""
    at: Moment = "compute"
    version: str | None = None
    pinned: bool = True
    """Whether the wheel requires exactly its own version of llamapack."""
    stated_abi_id: str | None = None
    """What backend.json says."""
    exported_abi_id: str | None = None
    """What the library says; empty leaves the function out."""
    linked_abi_id: str | None = None
    """The libggml-base that the library asks for."""
    init: bool = True
    """Whether it has ggml_backend_init."""
    needs: str = ""
    """The soname of another library that it asks for, which is nowhere."""
    without: tuple[str, ...] = ()
    """Files left out, such as `lib/backend.json`."""
    entry_point: str = "describe"
    source: str = DESCRIBE
    stated: Mapping[str, object] = field(default_factory=dict)
    """Replaces fields of backend.json."""

    @property
    def distribution(self) -> str:
        """The name of the distribution."""
        return self.package or f"llamapack-{self.name.replace('_', '-')}"

    @property
    def module(self) -> str:
        """The name of the package to import."""
        return self.distribution.replace("-", "_")


def installed_core(package: Path) -> Core:
    """Describe the core whose package folder (`…/site-packages/llamapack`) this is."""
    abi = json.loads((package / "lib" / "abi.json").read_text(encoding="utf-8"))
    (info,) = package.parent.glob("llamapack-*.dist-info")
    version = info.name.removeprefix("llamapack-").removesuffix(".dist-info")
    return Core(package=package, version=version, abi_id=abi["abi_id"], llama_commit=abi["llama_commit"])


def make_wheel(plugin: Plugin, core: Core, into: Path) -> Path:
    """Compile `plugin` for `core` and pack it as a wheel in the folder `into`."""
    folder = into / f"{plugin.distribution}-files"
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / plugin.module
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").write_text(plugin.source, encoding="utf-8")
    library = make_library(plugin, core, package / "lib")
    (package / "lib" / "backend.json").write_text(_stated(plugin, core, library), encoding="utf-8")
    for name in plugin.without:
        (package / name).unlink()
    return _pack(plugin, core, folder, into)


def make_library(plugin: Plugin, core: Core, folder: Path) -> Path:
    """Compile the library of `plugin` into `folder`, as llamapack_backend() does in CMake, from one source file."""
    library = folder / f"libggml-{plugin.name}.so"
    upstream = SYNCED / "ggml"
    command: list[str | Path] = [compiler(), "-std=gnu11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-w"]
    command += [f"-I{upstream / 'include'}", f"-I{upstream / 'src'}", *_defines(plugin, core), HERE / "example.c"]
    command += [HERE / "faults.c"] if plugin.fault else []
    command += [SHARED / "backend.c"] if plugin.exported_abi_id != "" else []
    key = "\0".join(map(str, [core.abi_id, plugin, *command]))
    if key not in _COMPILED:
        _link(plugin, core, command, library)
        _COMPILED[key] = library.read_bytes()
    library.write_bytes(_COMPILED[key])
    return library


_COMPILED: dict[str, bytes] = {}
"""The libraries that this process compiled: many tests take the same ones."""


def _link(plugin: Plugin, core: Core, command: list[str | Path], library: Path) -> None:
    folder = library.parent
    command = [
        *command,
        "-o",
        library,
        "-Wl,--no-as-needed",
        _ggml_base(plugin, core, folder),
        *_needed(plugin, folder),
    ]
    command += ["-Wl,-rpath,$ORIGIN:$ORIGIN/../../llamapack/lib"]
    done = subprocess.run([str(argument) for argument in command], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    for stand_in in folder.glob("lib*.so"):
        if stand_in != library:
            stand_in.unlink()


def compiler() -> str:
    """Return this machine's C compiler; skip the test if there is none, or if libraries are not ELF."""
    if sys.platform != "linux":
        pytest.skip("the plug-ins of the tests are built for Linux only")
    found = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if not found:
        pytest.skip("a plug-in is compiled, and this machine has no C compiler on PATH")
    return found


def _defines(plugin: Plugin, core: Core) -> list[str]:
    values = {
        "GGML_BACKEND_DL": "1",
        "GGML_BACKEND_SHARED": "1",
        "LLAMAPACK_ABI_ID": _quoted(plugin.exported_abi_id or core.abi_id),
        "EXAMPLE_NAME": _quoted(plugin.name.capitalize()),
        "EXAMPLE_DEVICES": str(plugin.devices),
        "EXAMPLE_KIND": plugin.kind,
        "EXAMPLE_DEVICE_ID": _quoted(plugin.device_id) if plugin.device_id else "NULL",
        "EXAMPLE_MEMORY": f"{plugin.memory}ull",
        "EXAMPLE_SCALE": f"{plugin.scale}f",
    }
    if plugin.fault:
        values |= {
            "EXAMPLE_FAULTY": "1",
            "EXAMPLE_FAULT": _quoted(plugin.fault),
            "EXAMPLE_FAULT_AT": _quoted(plugin.at),
        }
    if not plugin.init:
        values["ggml_backend_init"] = "example_no_init"
    return [f"-D{name}={value}" for name, value in values.items()]


def _quoted(text: str) -> str:
    return f'"{text}"'


def _ggml_base(plugin: Plugin, core: Core, folder: Path) -> Path:
    """Return the library to link with: the core's, or one with the same symbols and another name."""
    if plugin.linked_abi_id is None:
        return core.library
    return _stand_in(f"libggml-base-{plugin.linked_abi_id}.so", folder)


def _needed(plugin: Plugin, folder: Path) -> list[str | Path]:
    undefined = ["-Wl,--unresolved-symbols=ignore-all"] if plugin.linked_abi_id else []
    needed = [_stand_in(plugin.needs, folder)] if plugin.needs else []
    return [*undefined, *needed]


def _stand_in(soname: str, folder: Path) -> Path:
    """Make an empty library called `soname`, to link with but not to ship."""
    path = folder / soname
    command = [compiler(), "-shared", f"-Wl,-soname,{soname}", "-x", "c", os.devnull, "-o", str(path)]
    subprocess.run(command, check=True)
    return path


def _stated(plugin: Plugin, core: Core, library: Path) -> str:
    facts: dict[str, object] = {
        "name": plugin.name,
        "package": plugin.distribution,
        "version": plugin.version or core.version,
        "library": library.name,
        "abi_id": plugin.stated_abi_id or core.abi_id,
        "llama_commit": core.llama_commit,
        "targets": [],
        "driver_floor": None,
        "preload": [],
    }
    return json.dumps(facts | dict(plugin.stated), indent=2)


def _pack(plugin: Plugin, core: Core, folder: Path, into: Path) -> Path:
    version = plugin.version or core.version
    tag = f"py3-none-linux_{platform.machine()}"
    info = folder / f"{plugin.module}-{version}.dist-info"
    info.mkdir()
    requires = f"Requires-Dist: llamapack=={version}\n" if plugin.pinned else "Requires-Dist: llamapack\n"
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {plugin.distribution}\nVersion: {version}\n{requires}",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n",
        "entry_points.txt": f"[llamapack.backends]\n{plugin.name} = {plugin.module}:{plugin.entry_point}\n",
    }
    for name, text in texts.items():
        (info / name).write_text(text, encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [f"{path.relative_to(folder).as_posix()},{_digest(path)},{path.stat().st_size}" for path in files]
    (info / "RECORD").write_text("\n".join([*rows, f"{info.name}/RECORD,,"]) + "\n", encoding="utf-8")
    wheel = into / f"{plugin.module}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [*files, info / "RECORD"]:
            archive.write(path, path.relative_to(folder).as_posix())
    return wheel


def _digest(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def make_installed(plugin: Plugin, core: Core, into: Path) -> Path:
    """Lay out `plugin` in the folder `into` as pip would, and return the folder of its library."""
    folder = into / plugin.module / "lib"
    folder.mkdir(parents=True)
    library = make_library(plugin, core, folder)
    (folder / "backend.json").write_text(_stated(plugin, core, library), encoding="utf-8")
    return folder
