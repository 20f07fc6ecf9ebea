"""Installed files are compared with the list that came with the wheel."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
from pathlib import Path

import pytest
from llamapack.diagnostics import installed_files
from llamapack.diagnostics.installed_files import InstalledPackage, installed_packages, problems

BILL = b'{"bomFormat": "CycloneDX"}'


def record_hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def install(site: Path, name: str, files: dict[str, bytes], *, installer: str = "pip", listed: bool = True) -> None:
    """Install a package as pip does, without pip."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    made = {**files, f"{info}/METADATA": metadata, f"{info}/INSTALLER": f"{installer}\n".encode()}
    rows = [(path, record_hash(content), str(len(content))) for path, content in made.items()]
    rows += [(f"{info}/RECORD", "", ""), (f"{name}/__pycache__/a.pyc", "", "")]
    for path, content in made.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    if listed:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        (site / info / "RECORD").write_text(text.getvalue(), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of packages."""
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr(installed_files, "PACKAGE", tmp_path / "llamapack")
    return tmp_path


CORE = {
    "llamapack/a.py": b"1",
    "llamapack/lib/b.so": b"2" * 3_000_000,
    "llamapack-1.0.dist-info/sboms/x.cdx.json": BILL,
}


def test_packages_of_ours_are_found_and_no_others(site: Path) -> None:
    install(site, "llamapack", CORE)
    install(site, "llamapack-cuda", {"llamapack_cuda/c.so": b"3"})
    install(site, "llamapacker", {"llamapacker/d.py": b"4"})
    assert installed_packages() == [
        InstalledPackage(name="llamapack", version="1.0", sbom=hashlib.sha256(BILL).hexdigest(), compared=True),
        InstalledPackage(name="llamapack-cuda", version="1.0", sbom=None, compared=True),
    ]
    assert problems(installed_packages()) == []


def test_changed_and_missing_files_are_a_problem_with_a_remedy(site: Path) -> None:
    install(site, "llamapack", CORE)
    (site / "llamapack" / "lib" / "b.so").write_bytes(b"2" * 2_999_999 + b"3")
    (site / "llamapack" / "a.py").unlink()
    (package,) = installed_packages()
    assert (package.changed, package.missing) == (("llamapack/lib/b.so",), ("llamapack/a.py",))
    assert problems([package]) == [
        {
            "what": "Files of llamapack are not those that were installed.",
            "why": "changed: llamapack/lib/b.so; missing: llamapack/a.py",
            "fix": 'python -m pip install --force-reinstall --no-deps "llamapack==1.0"',
        }
    ]


def test_many_files_are_counted(site: Path) -> None:
    install(site, "llamapack", {f"llamapack/{number}.py": b"" for number in range(5)})
    for path in (site / "llamapack").glob("*.py"):
        path.write_bytes(b"x")
    (problem,) = problems(installed_packages())
    assert problem["why"].endswith("llamapack/2.py and 2 more")


def test_a_bill_that_is_missing_is_told_of_and_not_the_end(site: Path) -> None:
    install(site, "llamapack", CORE)
    (site / "llamapack-1.0.dist-info" / "sboms" / "x.cdx.json").unlink()
    (package,) = installed_packages()
    assert (package.sbom, package.missing) == (None, ("llamapack-1.0.dist-info/sboms/x.cdx.json",))


def test_what_an_installer_writes_itself_is_not_compared(site: Path) -> None:
    install(site, "llamapack", CORE)
    (site / "llamapack-1.0.dist-info" / "INSTALLER").write_text("uv", encoding="utf-8")
    assert installed_packages()[0].changed == ()


def test_conda_changes_libraries_itself(site: Path) -> None:
    install(site, "llamapack", CORE, installer="conda")
    (site / "llamapack" / "lib" / "b.so").write_bytes(b"other")
    (package,) = installed_packages()
    assert (package.compared, package.changed) == (False, ())


def test_files_that_do_not_run_are_not_compared(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "llamapack", CORE)
    (site / "llamapack" / "a.py").unlink()
    monkeypatch.setattr(installed_files, "PACKAGE", site / "checkout" / "llamapack")
    (package,) = installed_packages()
    assert (package.compared, package.missing) == (False, ())


def test_files_in_a_zip_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", "llamapack", CORE)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "site")
    monkeypatch.setattr("sys.path", [archive])
    monkeypatch.setattr(installed_files, "PACKAGE", Path(archive) / "llamapack")
    (package,) = installed_packages()
    assert (package.compared, package.missing) == (False, ())


def test_without_a_list_nothing_is_compared(site: Path) -> None:
    install(site, "llamapack", CORE, listed=False)
    (package,) = installed_packages()
    assert (package.compared, package.sbom) == (False, None)


def test_the_package_that_python_imports_counts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = site / "later"
    install(site, "llamapack", {"llamapack/a.py": b"1"})
    install(later, "llamapack", CORE)
    monkeypatch.setattr("sys.path", [str(site), str(later)])
    (package,) = installed_packages()
    assert package.sbom is None


def test_without_llamapack_installed_there_is_nothing_to_compare(site: Path) -> None:
    assert installed_files.installed_packages() == []
