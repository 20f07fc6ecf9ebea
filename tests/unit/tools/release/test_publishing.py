"""Publishing: the core last, nothing is replaced, and after a stop at any file nothing visible breaks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.release.hollow import dependencies, hollow_sdist, hollow_wheel, release
from tools.errors import ToolError
from tools.release.index import serve_index
from tools.release.publishing import Upload, in_order, publish, uv_upload
from tools.release.resolution import Machine, uv_asker
from tools.util.venv import Environment

UV = Environment(folder=Path(sys.prefix)).program("uv")
BACKENDS, TARGETS = ("cpu", "vulkan", "cuda"), ("linux-x86_64", "windows-x86_64")


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def url(served: Path) -> Iterator[str]:
    with serve_index(served) as address:
        yield address


def files(folder: Path, version: str) -> list[Path]:
    return [*release(folder, version, backends=BACKENDS, targets=TARGETS), hollow_sdist(folder, "llamapack", version)]


def copying(served: Path, stop: str = "") -> Upload:
    """Return an upload that writes into the index's folder, and fails at the file `stop`."""

    def upload(path: Path) -> None:
        if path.name == stop:
            raise ToolError("The connection was lost.")
        (served / path.name).write_bytes(path.read_bytes())

    return upload


def test_the_order_is_plugins_wheels_then_sdists_core_last(tmp_path: Path) -> None:
    made = [*files(tmp_path, "0.1.0"), hollow_sdist(tmp_path, "llamapack-cuda", "0.1.0")]
    assert [each.path.name for each in in_order(reversed(made))] == [
        "llamapack_cuda-0.1.0-py3-none-manylinux_2_28_x86_64.whl",
        "llamapack_cuda-0.1.0-py3-none-win_amd64.whl",
        "llamapack_cuda-0.1.0.tar.gz",
        "llamapack_vulkan-0.1.0-py3-none-manylinux_2_28_x86_64.whl",
        "llamapack_vulkan-0.1.0-py3-none-win_amd64.whl",
        "llamapack-0.1.0-py3-none-manylinux_2_28_x86_64.whl",
        "llamapack-0.1.0-py3-none-win_amd64.whl",
        "llamapack-0.1.0.tar.gz",
    ]


def test_publishing_again_uploads_nothing(url: str, served: Path, tmp_path: Path) -> None:
    made = files(tmp_path / "dist", "0.1.0")
    first = publish(made, f"{url}/simple/", copying(served))
    assert (sorted(first.uploaded), first.there) == (sorted(path.name for path in made), ())
    again = publish(made, f"{url}/simple/", copying(served))
    assert (again.uploaded, list(again.there)) == ((), sorted(first.uploaded))


def test_other_content_under_a_name_stops_it_before_any_upload(url: str, served: Path, tmp_path: Path) -> None:
    made = files(tmp_path / "dist", "0.1.0")
    hollow_wheel(served, "llamapack", "0.1.0", tag="py3-none-win_amd64")
    with pytest.raises(ToolError, match=r"other content under the same name: llamapack-0\.1\.0-py3-none-win_amd64"):
        publish(made, f"{url}/simple/", copying(served))
    assert [path.name for path in served.iterdir()] == ["llamapack-0.1.0-py3-none-win_amd64.whl"]


@pytest.mark.parametrize("version", ["0.1.0.post1", "0.2.0"])
def test_files_of_two_versions_are_no_release(url: str, served: Path, tmp_path: Path, version: str) -> None:
    made = [*files(tmp_path, "0.1.0"), *release(tmp_path, version, backends=["vulkan"], targets=["linux-x86_64"])]
    with pytest.raises(
        ToolError, match=r"not one release: llamapack 0\.1\.0, llamapack-cuda 0\.1\.0, llamapack-vulkan 0"
    ):
        publish(made, f"{url}/simple/", copying(served))
    assert list(served.iterdir()) == []


def test_plugins_without_their_core_are_no_release(url: str, served: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"not one release: llamapack-vulkan 0\.1\.0"):
        publish(release(tmp_path, "0.1.0", backends=["vulkan"]), f"{url}/simple/", copying(served))


def test_the_core_waits_until_all_plugins_are_visible(url: str, served: Path, tmp_path: Path) -> None:
    def losing(path: Path) -> None:
        if "cuda" not in path.name:
            copying(served)(path)

    with pytest.raises(ToolError, match="does not list what was uploaded: llamapack_cuda"):
        publish(files(tmp_path / "dist", "0.1.0"), f"{url}/simple/", losing)
    assert not list(served.glob("llamapack-*"))


NAMES = [
    *("llamapack_cuda-0.2.0-py3-none-manylinux_2_28_x86_64.whl", "llamapack_cuda-0.2.0-py3-none-win_amd64.whl"),
    *("llamapack_vulkan-0.2.0-py3-none-manylinux_2_28_x86_64.whl", "llamapack_vulkan-0.2.0-py3-none-win_amd64.whl"),
    *("llamapack-0.2.0-py3-none-manylinux_2_28_x86_64.whl", "llamapack-0.2.0-py3-none-win_amd64.whl"),
    "llamapack-0.2.0.tar.gz",
]


@pytest.mark.parametrize("stop", NAMES)
def test_after_a_stop_at_any_file_everyone_gets_a_whole_release(
    url: str, served: Path, tmp_path: Path, stop: str
) -> None:
    dependencies(served)
    publish(files(tmp_path / "1", "0.1.0"), f"{url}/simple/", copying(served))
    made = files(tmp_path / "2", "0.2.0")
    with pytest.raises(ToolError, match=f"^{stop} could not be uploaded") as raised:
        publish(made, f"{url}/simple/", copying(served, stop))
    visible = NAMES.index(stop) > NAMES.index(NAMES[4])
    assert ("nobody is given any of this release" in raised.value.why) == (not visible)
    version = "0.2.0" if visible else "0.1.0"
    asked = ("llamapack", "llamapack[vulkan]", "llamapack-cuda")
    names = {wanted: ours(url, wanted, "linux-x86_64") for wanted in asked}
    linux = f"-{version}-py3-none-manylinux_2_28_x86_64.whl"
    assert names == {
        "llamapack": {f"llamapack{linux}"},
        "llamapack[vulkan]": {f"llamapack{linux}", f"llamapack_vulkan{linux}"},
        "llamapack-cuda": {f"llamapack{linux}", f"llamapack_cuda{linux}"},
    }
    assert raised.value.fix.startswith("Publish the same files again")
    publish(made, f"{url}/simple/", copying(served))
    assert ours(url, "llamapack", "windows-x86_64") == {"llamapack-0.2.0-py3-none-win_amd64.whl"}


def ours(url: str, wanted: str, target: str) -> frozenset[str]:
    (answer,) = uv_asker(UV)([[wanted]], Machine(python="3.12", target=target), f"{url}/simple/")
    assert answer.error == ""
    return answer.ours


def test_uv_uploads_and_goes_on_after_a_lost_connection(served: Path, tmp_path: Path) -> None:
    made = release(tmp_path / "dist", "0.1.0", backends=["cpu", "vulkan"], targets=["linux-x86_64"])
    told = {"UV_PUBLISH_USERNAME": "__token__", "UV_PUBLISH_PASSWORD": "none", "UV_HTTP_RETRIES": "0"}
    lost = [made[0].name]
    with serve_index(served, interrupt=lambda name: name in lost) as url:
        upload = uv_upload(UV, f"{url}/legacy/", told)
        with pytest.raises(ToolError, match="could not be uploaded"):
            publish(made, f"{url}/simple/", upload)
        assert {path.name for path in served.iterdir() if path.is_file()} == {made[1].name}
        lost.clear()
        assert publish(made, f"{url}/simple/", upload).uploaded == (made[0].name,)
