"""What glslc makes of a shader is kept, and given again for the same compiler, files and words only."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.compilers.shader_cache import cached_glslc

pytestmark = pytest.mark.skipif(not shutil.which("sha256sum"), reason="shaders are kept where there is sha256sum")

# Counts its calls, and writes what it was given: `made of NAME with WORDS`. Its list of files is glslc's.
GLSLC = """\
#!/bin/sh
echo call >> {calls}
for word do
    case $word in *.comp) source=$word ;; -D*) words="$words $word" ;; esac
    case $last in -o) out=$word ;; -MF) list=$word ;; esac
    last=$word
done
case "$*" in
    *--version*) echo shaderc; exit ;;
    *-DBROKEN*) echo "error: broken" >&2; exit 3 ;;
    *-DODD*) echo "warning: odd" >&2 ;;
esac
[ "$out" != - ] || {{ echo spirv; exit; }}
echo "made of ${{source##*/}} with$words" > "$out"
[ -z "$list" ] || echo "$out: $source ${{source%/*}}/types.glsl" > "$list"
"""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder with shaders and a place for what is made of them."""

    folder: Path
    glslc: Path

    @property
    def shaders(self) -> Path:
        return self.folder / "shaders"

    @property
    def out(self) -> Path:
        return self.folder / "add.spv"

    def run(self, *words: object, version: str = "1") -> subprocess.CompletedProcess[str]:
        program = cached_glslc(self.glslc, version, self.shaders, self.folder / "build" / "glslc")
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)

    def compile(self, *words: object, source: str = "add.comp", version: str = "1") -> str:
        """Compile a shader; return what it became."""
        self.out.unlink(missing_ok=True)
        done = self.run(self.shaders / source, "-o", self.out, *words, version=version)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return self.out.read_text(encoding="utf-8")

    def calls(self) -> int:
        """Return how often the compiler has run."""
        file = self.glslc.with_name("calls")
        return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "ca che"))
    return tmp_path / "ca che"


def make_checkout(folder: Path) -> Checkout:
    (folder / "shaders").mkdir(parents=True)
    for name in ("add.comp", "mul.comp", "types.glsl"):
        (folder / "shaders" / name).write_text(f"// {name}\n", encoding="utf-8")
    glslc = folder.parent / "bin" / "glslc"
    glslc.parent.mkdir(exist_ok=True)
    glslc.write_text(GLSLC.format(calls=glslc.with_name("calls")), encoding="utf-8")
    glslc.chmod(0o755)
    return Checkout(folder=folder, glslc=glslc)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path / "one")


def test_a_shader_is_compiled_once(checkout: Checkout) -> None:
    made = [checkout.compile("-DA=1") for _ in range(3)]
    assert (made, checkout.calls()) == (["made of add.comp with -DA=1\n"] * 3, 1)


def test_other_words_other_shaders_other_compilers_and_other_files_are_compiled_anew(checkout: Checkout) -> None:
    checkout.compile("-DA=1")
    assert checkout.compile("-DA=2") == "made of add.comp with -DA=2\n"
    assert checkout.compile("-DA=1", source="mul.comp") == "made of mul.comp with -DA=1\n"
    checkout.compile("-DA=1", version="2")
    (checkout.shaders / "types.glsl").write_text("// changed\n", encoding="utf-8")
    checkout.compile("-DA=1")
    assert checkout.calls() == 5


def test_another_checkout_takes_what_was_kept_with_a_list_of_its_own_files(tmp_path: Path) -> None:
    names = ("one", "t|wo [&] +.\\x", "drei ö")
    listed = tmp_path / "list"
    for each in (make_checkout(tmp_path / name) for name in names):
        checkout = each
        assert checkout.compile("-MD", "-MF", listed) == "made of add.comp with\n"
        expected = f"{checkout.out}: {checkout.shaders / 'add.comp'} {checkout.shaders / 'types.glsl'}\n"
        assert listed.read_text(encoding="utf-8") == expected
    assert checkout.calls() == 1


def test_what_fails_or_warns_says_so_each_time(checkout: Checkout) -> None:
    for number in (1, 2):
        done = checkout.run(checkout.shaders / "add.comp", "-o", checkout.out, "-DBROKEN")
        assert (done.returncode, done.stderr, checkout.calls()) == (3, "error: broken\n", 2 * number - 1)
        done = checkout.run(checkout.shaders / "add.comp", "-o", checkout.out, "-DODD")
        assert (done.returncode, done.stderr, checkout.calls()) == (0, "warning: odd\n", 2 * number)


@pytest.mark.parametrize("words", [["--version"], ["-o", "-", "add.comp"]], ids=["version", "to standard output"])
def test_other_calls_go_to_the_compiler(checkout: Checkout, words: list[str], cache: Path) -> None:
    paths = [checkout.shaders / word if word.endswith(".comp") else word for word in words]
    assert checkout.run(*paths).stdout in ("shaderc\n", "spirv\n")
    assert (checkout.run(*paths).returncode, checkout.calls(), cache.exists()) == (0, 2, False)


def test_a_cache_that_cannot_be_written_stops_nothing(checkout: Checkout, cache: Path) -> None:
    cache.write_text("a file where the folder should be", encoding="utf-8")
    done = checkout.run(checkout.shaders / "add.comp", "-o", checkout.out)
    assert (done.returncode, checkout.out.read_text(encoding="utf-8")) == (0, "made of add.comp with\n")


def test_without_shaders_or_programs_it_is_the_compiler_itself(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = checkout.folder / "glslc"
    assert cached_glslc(checkout.glslc, "1", checkout.folder / "none", place) == checkout.glslc
    monkeypatch.setenv("PATH", str(checkout.folder))
    assert cached_glslc(checkout.glslc, "1", checkout.shaders, place) == checkout.glslc
