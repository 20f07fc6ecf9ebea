"""Each gate is tripped by a release that is wrong in one thing, and by nothing else."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.release.complete import Files, files_of, rewrite, write_release, write_sdist, write_wheel
from tools.matrix import load_matrix
from tools.release.gates import files as gates
from tools.release.gates.faults import Fault, report

pytest.importorskip("twine", reason="twine is not installed: requirements/release.txt")

VERSION = "0.2.0"
MATRIX = load_matrix()
BUILDS = tuple(MATRIX.cell(name) for name in ("cpu-linux-x86_64", "vulkan-linux-x86_64"))
CORE = f"llamapack-{VERSION}-py3-none-manylinux_2_28_x86_64.whl"
VULKAN = f"llamapack_vulkan-{VERSION}-py3-none-manylinux_2_28_x86_64.whl"
INFO = f"llamapack-{VERSION}.dist-info"
METADATA = f"{INFO}/METADATA"
BILL = f"{INFO}/sboms/llamapack.cdx.json"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, VERSION, BUILDS)
    return folder


@pytest.fixture
def dist(whole: Path, tmp_path: Path) -> Path:
    """A release of two builds that passes, to be spoiled."""
    return Path(shutil.copytree(whole, tmp_path / "dist"))


def check(dist: Path, **options: int) -> list[tuple[str, str]]:
    return [(fault.gate, fault.file) for fault in gates.check(dist, MATRIX, VERSION, builds=BUILDS, **options)]


def found_in(dist: Path) -> list[Fault]:
    return gates.check(dist, MATRIX, VERSION, builds=BUILDS)


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def without(name: str) -> Callable[[Files], None]:
    return lambda files: files.__delitem__(name)


def added(name: str, content: bytes = b"x") -> Callable[[Files], None]:
    return lambda files: files.update({name: content})


def test_a_release_of_two_builds_passes(dist: Path) -> None:
    (dist / "notes.txt").write_text("not looked at", encoding="utf-8")
    assert found_in(dist) == []


def test_a_release_of_every_build_passes(tmp_path: Path) -> None:
    write_release(tmp_path, VERSION, MATRIX.builds)
    assert gates.check(tmp_path, MATRIX, VERSION) == []


def test_a_post_release_of_one_plugin_passes_by_itself(tmp_path: Path) -> None:
    write_release(tmp_path, "0.2.0.post1", BUILDS[1:])
    assert gates.check(tmp_path, MATRIX, "0.2.0.post1", builds=BUILDS[1:]) == []


def test_an_empty_folder_misses_all(tmp_path: Path) -> None:
    assert check(tmp_path) == [
        *(("complete", cell.id) for cell in BUILDS), ("complete", "llamapack"), ("complete", "llamapack-vulkan"),
    ]  # fmt: skip


def test_a_version_for_development_is_refused(tmp_path: Path) -> None:
    write_release(tmp_path, "0.2.0.dev0", BUILDS)
    faults = gates.check(tmp_path, MATRIX, "0.2.0.dev0", builds=BUILDS)
    assert {fault.gate for fault in faults} == {"version"}
    assert len(faults) == 4
    assert faults[0].what == "0.2.0.dev0 is a version for development"


def test_a_wheel_of_another_version_is_refused(dist: Path) -> None:
    path = write_wheel(dist, BUILDS[1], "0.1.0")
    assert check(dist) == [("version", path.name)]


def test_a_large_file_is_refused(dist: Path) -> None:
    assert gates.LARGEST_FILE == 100_000_000
    size = (dist / CORE).stat().st_size
    largest = max(path.stat().st_size for path in dist.iterdir() if path.name != CORE)
    assert largest < size
    assert check(dist, largest=size) == []
    assert check(dist, largest=size - 1) == [("size", CORE)]


@pytest.mark.parametrize(
    ("change", "gate", "what"),
    [
        (replaced(METADATA, b"License-Expression: MIT\n", b""), "licence", "it has no License-Expression (PEP 639)"),
        (replaced(METADATA, b"Expression: MIT", b"Expression: Mine"), "metadata", "'Mine' is invalid"),
        (replaced(METADATA, b"License-File: LICENSE\n", b""), "licence", "it names no licence file"),
        (without(f"{INFO}/licenses/LICENSE"), "licence", "name the licence file LICENSE, which is not in it"),
        (replaced(METADATA, b"Requires-Python: >=3.10", b"Requires-Python: three"), "metadata", "three"),
        (replaced(METADATA, b"cuda>=0.2.0,<0.2.1", b"cuda==0.2.*"), "pins", "llamapack-cuda==0.2.*, which must be"),
        (replaced(METADATA, b"cuda>=0.2.0,<0.2.1", b"cuda"), "pins", "it requires llamapack-cuda, which must be"),
        (without(BILL), "sbom", "has no software bill of materials"),
        (replaced(BILL, b'"llamapack"', b'"llamapack-cuda"'), "sbom", "is that of llamapack-cuda"),
        (lambda files: files.update({BILL: b"{}"}), "sbom", "cannot be read"),
        (added("llamapack/tools.pyc"), "contents", "W001"),
        (added("tests/test_me.py"), "contents", "tests does not belong into it"),
        (added("llamapack/../../evil.py"), "contents", "would be written outside the folder of packages"),
        (added("llamapack/lib/libggml-fedcba98.so"), "contents", "2 ABI ids: 0123abcd, fedcba98"),
        (replaced(f"{INFO}/WHEEL", b"2_28", b"2_17"), "tags", "WHEEL has the tags py3-none-manylinux_2_17_x86_64"),
    ],
)  # fmt: skip
def test_a_wheel_that_is_wrong_in_one_thing(dist: Path, change: Callable[[Files], None], gate: str, what: str) -> None:
    rewrite(dist / CORE, change)
    found = found_in(dist)
    of_gate = [fault for fault in found if fault.gate == gate and what in fault.what]
    assert [fault.file for fault in of_gate] == [CORE], found
    also = {("contents", CORE), ("one build", VULKAN), *([("description", CORE)] if gate == "metadata" else [])}
    assert {(fault.gate, fault.file) for fault in found} <= {(gate, CORE), *also}


def test_a_file_that_record_does_not_name_or_that_was_changed_is_found(dist: Path) -> None:
    with zipfile.ZipFile(dist / CORE, "a") as archive:
        archive.writestr("llamapack/late.py", "x = 1\n")
    found = [fault for fault in found_in(dist) if "RECORD" in fault.what]
    assert [(fault.gate, fault.file) for fault in found if "late.py" in fault.what] == [("contents", CORE)] * len(found)
    assert found


@pytest.mark.parametrize(
    ("description", "what"),
    [
        (b"Description-Content-Type: text/x-rst\n\nTitle\n=\n\n.. nonsense::\n", "syntax errors in markup"),
        (b"Description-Content-Type: text/markdown\n\n", "`long_description` missing"),
        (b"Description-Content-Type: text/markdown\n\nSee [it](../docs/a.md).\n", "link to ../docs/a.md leads nowhere"),
    ],
)
def test_a_long_description_that_cannot_be_shown_is_found(dist: Path, description: bytes, what: str) -> None:
    def change(files: Files) -> None:
        files[METADATA] = files[METADATA].partition(b"Description-Content-Type")[0] + description

    rewrite(dist / CORE, change)
    (fault,) = found_in(dist)
    assert (fault.gate, fault.file) == ("description", CORE)
    assert what in fault.what


def test_a_plugin_that_allows_another_core_is_found(dist: Path) -> None:
    info = f"llamapack_vulkan-{VERSION}.dist-info/METADATA"
    rewrite(dist / VULKAN, replaced(info, b"llamapack==0.2.0", b"llamapack>=0.2.0"))
    assert check(dist) == [("pins", VULKAN)]
    rewrite(dist / VULKAN, replaced(info, b"Requires-Dist: llamapack>=0.2.0\n", b""))
    assert check(dist) == [("pins", VULKAN)]


def test_a_plugin_of_another_build_is_found(dist: Path) -> None:
    rewrite(dist / VULKAN, replaced("llamapack_vulkan/lib/backend.json", b"0123abcd", b"fedcba98"))
    (fault,) = found_in(dist)
    assert (fault.gate, fault.file) == ("one build", VULKAN)
    assert fault.what == f"it has the ABI id fedcba98, and {CORE} has 0123abcd"


def test_wheels_of_one_machine_and_for_checks_are_refused(dist: Path) -> None:
    (dist / CORE).unlink()
    plain = write_wheel(dist, BUILDS[0], VERSION, tag="linux_x86_64")
    assert check(dist) == [("tags", plain.name), ("complete", BUILDS[0].id), ("complete", plain.name)]
    plain.unlink()
    marked = write_wheel(dist, BUILDS[0], VERSION)
    marked = marked.rename(marked.with_name(CORE.replace("-py3", "-0unreleased-py3")))
    assert check(dist) == [("tags", marked.name)]


@pytest.mark.parametrize("tag", ["py3-none-any", "cp312-cp312-manylinux_2_28_x86_64"])
def test_tags_that_do_not_serve_all_pythons_of_one_platform_are_refused(dist: Path, tag: str) -> None:
    path = dist / CORE
    renamed = path.rename(path.with_name(f"llamapack-{VERSION}-{tag}.whl"))
    assert set(check(dist)) == {
        ("tags", renamed.name),
        *([("complete", "cpu-linux-x86_64"), ("complete", renamed.name)] if tag.endswith("any") else []),
    }


def test_what_is_missing_or_there_twice_is_named(dist: Path) -> None:
    (dist / VULKAN).unlink()
    (dist / f"llamapack-{VERSION}.tar.gz").unlink()
    assert check(dist) == [("complete", "vulkan-linux-x86_64"), ("complete", "llamapack")]
    write_wheel(dist, BUILDS[1], VERSION)
    write_sdist(dist, "cpu", VERSION)
    assert check(dist) == []
    both = "manylinux_2_27_x86_64.manylinux_2_28_x86_64"
    files = files_of(BUILDS[1], VERSION)
    info = f"llamapack_vulkan-{VERSION}.dist-info/WHEEL"
    files[info] += b"Tag: py3-none-manylinux_2_27_x86_64\n"
    write_wheel(dist, BUILDS[1], VERSION, tag=both, files=files)
    assert check(dist) == [("complete", "vulkan-linux-x86_64")]
    (dist / VULKAN).unlink()
    assert check(dist) == []


def test_a_damaged_file_is_named_and_the_others_are_still_looked_at(dist: Path) -> None:
    (dist / CORE).write_bytes(b"PK no wheel")
    (dist / VULKAN).unlink()
    assert check(dist) == [
        ("metadata", CORE), ("complete", "cpu-linux-x86_64"), ("complete", "vulkan-linux-x86_64"),
    ]  # fmt: skip


def test_the_report_says_how_many_and_what_to_do() -> None:
    fault = Fault(gate="size", file="a.whl", what="it has 101 MB", fix="Compile for less.")
    lines = ["size: a.whl: it has 101 MB", "  Compile for less.", "1 fault: nothing may be uploaded."]
    assert report([fault], passed="Good.").splitlines() == lines
    assert report([], passed="Good.") == "Good."
