"""The plug-in wheels that users get, in a clean environment: in any order, upgraded alone, something missing.

A wheel that needs its vendor's libraries gets them from the folder in LLAMAPACK_TEST_RUNTIME.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import packaging.tags
import packaging.utils
import pytest

from tests.support.plugin_environment import Place, next_version, renamed
from tools.building.wheels import KITS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux plug-ins are built so far")

BACKENDS = [name for name in KITS if name != "cpu"]


def plugin_wheel(backend: str) -> Path:
    """Return the plug-in's wheel; skip where this machine cannot build it."""
    found = json.loads(os.environ["LLAMAPACK_TEST_PLUGINS"])[backend]
    if "skip_reason" in found:
        pytest.skip(found["skip_reason"])
    path = Path(found["wheel"])
    *_, tags = packaging.utils.parse_wheel_filename(path.name)
    if tags.isdisjoint(packaging.tags.sys_tags()):
        pytest.skip(f"pip takes no wheel for {', '.join(map(str, tags))} here")
    return path


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("order", ["the extra", "the plug-in", "core first", "plug-in first"])
def test_pip_brings_both_in_any_order(place: Place, wheel: Path, backend: str, order: str) -> None:
    plugin, name = plugin_wheel(backend), f"llamapack-{backend}"
    more = [line for line in requirements(plugin) if not line.startswith("llamapack==")]
    runtime = os.environ.get("LLAMAPACK_TEST_RUNTIME", "")
    if more and not runtime and not order.endswith("first"):
        pytest.skip(f"{name} asks for {', '.join(more)}, and pip has no index here")
    place.pip("uninstall", "--yes", "llamapack")
    index = ["install", "--no-index"]
    index += [f"--find-links={folder}" for folder in (wheel.parent, plugin.parent, runtime) if folder]
    if order == "the extra":
        place.pip(*index, f"llamapack[{backend}]=={place_version(wheel)}")
    elif order == "the plug-in":
        place.pip(*index, f"{name}=={place_version(wheel)}")
    else:
        wheels = [wheel, plugin] if order == "core first" else [plugin, wheel]
        for one in wheels:
            place.pip("install", "--no-index", "--no-deps", one)
    _, report = place.doctor(LLAMAPACK_PROBE="never")
    (found,) = report["backends"]
    assert (found["name"], found["package"], found["version"]) == (backend, name, place_version(wheel))
    if not more or not order.endswith("first"):
        place.pip("check")
        assert found["status"] != "refused"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("upgraded", ["the core", "the plug-in"])
def test_what_was_upgraded_alone_is_told_with_the_command_that_mends_it(
    place: Place, wheel: Path, backend: str, upgraded: str, tmp_path: Path
) -> None:
    plugin, name, old = plugin_wheel(backend), f"llamapack-{backend}", place_version(wheel)
    new = next_version(old)
    likeliest = place.load(LLAMAPACK_BACKENDS="cpu")["likeliest"]
    core = old if upgraded == "the plug-in" else new
    pair = [renamed(wheel, new, tmp_path), plugin] if core == new else [wheel, renamed(plugin, new, tmp_path)]
    place.pip("install", "--no-deps", "--no-index", "--force-reinstall", *pair)
    loaded = place.load()
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    other = old if core == new else new
    assert loaded["warnings"] == [
        f"{backend}: {name} {other} does not belong to llamapack {core}; it is not used\n"
        f'Run: python -m pip install "{name}=={core}"\n'
        "No GPU is used; the model runs on the CPU."
    ]


def requirements(wheel: Path) -> list[str]:
    """Return what the wheel asks pip for."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    return [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]


def place_version(wheel: Path) -> str:
    """Return the version in the wheel's name."""
    return wheel.name.split("-")[1]


HIDE = """
set -e
while [ "$1" != -- ]; do
    mkdir -p "$1/above/new" "$1/work"
    [ -c "$1/above/new/$3" ] || mknod "$1/above/new/$3" c 0 0
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/above/new,workdir=$1/work" "$2"
    shift 3
done
shift
exec "$@"
"""


def without_library(name: str, folder: Path) -> list[str]:
    """Return the words before a command that runs it where the library `name` is nowhere in the system.

    They hide it behind an overlay, in a view of the file system that only the command has.
    """
    program = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/sbin:/usr/sbin") or pytest.skip("no ldconfig")
    listed = subprocess.run([program, "-p"], capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    places = {Path(line.rpartition(" => ")[2]).resolve().parent for line in listed if line.split()[:1] == [name]}
    words = [part for n, place in enumerate(sorted(places)) for part in (str(folder / str(n)), str(place), name)]
    found = ["unshare", "--mount", "sh", "-c", HIDE, "sh", *words, "--"]
    tried = subprocess.run([*found, "true"], capture_output=True, encoding="utf-8", check=False)
    if tried.returncode != 0:
        pytest.skip(f"{name} cannot be hidden here: {shlex.join(found[:2])}: {tried.stderr.strip()}")
    return found


def test_a_missing_vulkan_loader_is_named_and_the_cpu_used(place: Place, tmp_path: Path) -> None:
    likeliest = place.load()["likeliest"]
    place.pip("install", "--no-deps", "--no-index", plugin_wheel("vulkan"))
    place.before = without_library("libvulkan.so.1", tmp_path)
    try:
        status, report = place.doctor()
        loaded = place.load()
    finally:
        place.before = []
    (found,) = report["backends"]
    assert (status, found["status"], found["fault"]) == (4, "broken", "missing library")
    title = f"llamapack-vulkan {place.core.version}"
    reason = f"{title} is not used: libvulkan.so.1 (needed by libggml-vulkan.so) is not found"
    remedy = "Install the Vulkan loader (package libvulkan1 or vulkan-loader, or the driver of the GPU)"
    assert (found["reason"], found["remedy"]) == (reason, remedy)
    assert (loaded["devices"], loaded["likeliest"]) == ([], likeliest)
    assert loaded["warnings"] == [f"vulkan: {reason}\n{remedy}\nNo GPU is used; the model runs on the CPU."]
