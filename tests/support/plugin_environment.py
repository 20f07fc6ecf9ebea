"""A clean environment with the finished core wheel, to install and uninstall real plug-ins in."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.environments import clean_environment, clean_variables, link_tree, put_back, run_clean
from tests.support.plugins.making import Core, Plugin, installed_core, make_wheel
from tools.util.venv import Environment

SECONDS = "15"
LOAD = """
import json, sys, warnings
import llamapack

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with llamapack.Model(sys.argv[1]) as model:
        offload = model.offload
        devices, layers = [device.name for device in offload.devices], offload.n_gpu_layers
        with llamapack.Context(model, n_ctx=64, n_threads=1) as context:
            context.decode(model.vocab.tokenize("One, two, three,"))
            likeliest = int(context.outputs.logits().argmax())
print(json.dumps({
    "devices": devices,
    "layers": layers,
    "likeliest": likeliest,
    "warnings": [str(warning.message) for warning in caught if warning.category is llamapack.BackendWarning],
}))
"""


@dataclass(kw_only=True)
class Place:
    """An environment with the core and the currently installed plug-ins."""

    environment: Environment
    folder: Path
    model: Path
    plugins: list[str] = field(default_factory=list)
    at_first: Path | None = None
    """What was installed at first, linked, so that it can be put back."""
    before: list[str] = field(default_factory=list)
    """Words before the commands that are run there."""

    @property
    def core(self) -> Core:
        return installed_core(self.environment.packages / "llamapack")

    def pip(self, *words: object) -> None:
        run_clean(self.environment.python, "-m", "pip", *words, "--quiet")

    def install(self, *plugins: Plugin) -> None:
        wheels = [make_wheel(plugin, self.core, self.folder) for plugin in plugins]
        self.pip("install", "--no-deps", "--no-index", "--force-reinstall", *wheels)
        self.plugins += [plugin.distribution for plugin in plugins]

    def empty(self) -> None:
        if self.plugins:
            self.pip("uninstall", "--yes", *self.plugins)
        self.plugins.clear()

    def keep(self) -> None:
        """Save the installed packages, for `restore`."""
        self.at_first = self.folder / "at first"
        link_tree(self.environment.packages, self.at_first / "packages")
        link_tree(self.environment.programs, self.at_first / "programs")

    def restore(self) -> None:
        """Restore the packages saved by `keep`, faster than pip could."""
        assert self.at_first is not None
        for kept, folder in (("packages", self.environment.packages), ("programs", self.environment.programs)):
            put_back(self.at_first / kept, folder, "llamapack")
        self.plugins.clear()

    def run(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.before, str(self.environment.python), *map(str, words)],
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            env={
                **clean_variables(),
                "LLAMAPACK_CACHE_DIR": str(self.folder / "cache"),
                "LLAMAPACK_PROBE_SECONDS": SECONDS,
                **variables,
            },
            check=False,
            timeout=300,
        )

    def load(self, **variables: str) -> dict[str, Any]:
        """Load the model as a program does; return the devices in use and the warnings."""
        done = self.run("-c", LOAD, self.model, **variables)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def doctor(self, **variables: str) -> tuple[int, dict[str, Any]]:
        done = self.run("-m", "llamapack", "doctor", "--json", **variables)
        assert done.stdout, done.stderr
        return done.returncode, dict(json.loads(done.stdout))


def make_place(folder: Path, wheel: Path, model: Path) -> Place:
    """Make an environment in `folder` and install the core's `wheel` with pip."""
    place = Place(environment=clean_environment(folder / "env"), folder=folder, model=model)
    place.pip("install", "--no-deps", "--no-index", wheel)
    return place


def next_version(version: str) -> str:
    """Return a version later than `version`: 0.1.1.dev0 for 0.1.0.dev0."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    assert numbers, version
    *first, last = numbers[0].split(".")
    return ".".join([*first, str(int(last) + 1)]) + version[numbers.end() :]


def renamed(wheel: Path, version: str, into: Path) -> Path:
    """Return a copy of `wheel` with another version; its libraries are unchanged."""
    old = wheel.name.split("-")[1]
    path = into / wheel.name.replace(old, version)
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in whole.infolist():
            data, name = whole.read(item), item.filename.replace(f"-{old}.dist-info/", f"-{version}.dist-info/")
            if name.endswith(".dist-info/RECORD"):
                data = b"".join(line.split(b",")[0] + b",,\n" for line in data.splitlines())
                data = data.replace(f"-{old}.dist-info/".encode(), f"-{version}.dist-info/".encode())
            if name.endswith(".dist-info/METADATA"):
                data = data.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode())
            if name.endswith("/lib/backend.json"):
                data = data.replace(f'"version": "{old}"'.encode(), f'"version": "{version}"'.encode())
            new.writestr(name, data)
    return path
