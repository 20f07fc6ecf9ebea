"""A HIP source is compiled for each GPU and for the CPU, with a stand-in for zig that notes its words."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from tools.compilers.hip_windows.bundle import bundle
from tools.compilers.hip_windows.compiling import OLDER_FORMAT, SHIM, call_compiler
from tools.compilers.hip_windows.settings import Settings, read_settings
from tools.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for zig is a shell script")

ZIG = """\
echo "$0 $@" >> {log}
case "$*" in *gfx666*) echo "no such GPU" >&2; exit 3 ;; esac
for word; do
    [ "$before" = -o ] && out="$word"
    [ "$before" = -fcuda-include-gpubinary ] && bundle=next
    [ "$bundle $before" = "next -Xclang" ] && bundle="$word"
    before="$word"
done
case "$*" in
*" -E "*) echo "preprocessed $*" > "$out" ;;
*--cuda-device-only*--offload-arch=gfx90a*) printf "for gfx90a" > "$out" ;;
*--cuda-device-only*) printf "for gfx1100" > "$out" ;;
*) cat "$bundle" > "$out" ;;
esac
"""
SOURCE = ["-DUSED", "-O3", "-x", "hip"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def settings(tmp_path: Path, log: Path) -> Settings:
    folder = tmp_path / "zig"
    folder.mkdir()
    for name in ("zig", "cache"):
        body = ZIG.format(log=log) if name == "zig" else f'echo "$0 $CCACHE_DISABLE" >> {log}\nexec "$@"\n'
        (folder / name).write_text(f"#!/bin/sh\n{body}", encoding="utf-8")
        (folder / name).chmod(0o755)
    return Settings(
        zig=str(folder / "zig"),
        clang_headers="/clang",
        include="/hip",
        device_libraries="/bitcode",
        programs="/programs",
    )


def called(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text(encoding="utf-8").splitlines()]


def test_the_object_has_the_code_for_every_gpu(settings: Settings, tmp_path: Path, log: Path) -> None:
    out = tmp_path / "a.obj"
    words = [*SOURCE, "--offload-arch=gfx90a", "--offload-arch=gfx1100", "-MD", "-MF", "a.d", "-o", str(out), "-c"]
    assert call_compiler(settings, [*words, "a.cu"], BytesIO()) == 0
    assert out.read_bytes() == bundle({"gfx90a": b"for gfx90a", "gfx1100": b"for gfx1100"})
    *gpus, cpu = called(log)
    for gpu, words in zip(("gfx90a", "gfx1100"), gpus, strict=True):
        assert {f"--offload-arch={gpu}", "--cuda-device-only", "-fno-short-wchar", OLDER_FORMAT} <= set(words)
        assert {"--rocm-device-lib-path=/bitcode", "-B/programs", "-DUSED", "a.cu"} <= set(words)
        assert "-MD" not in words
    assert {"--cuda-host-only", "-MD", "-MF", "a.d", "-DUSED", "a.cu"} <= set(cpu)
    assert SHIM.name in {Path(word).name for word in cpu}


def test_code_for_a_family_of_gpus_is_in_clangs_own_format(settings: Settings, tmp_path: Path, log: Path) -> None:
    words = [*SOURCE, "--offload-arch=gfx11-generic:xnack-", "-o", str(tmp_path / "a.obj"), "-c", "a.cu"]
    assert call_compiler(settings, words, BytesIO()) == 0
    assert OLDER_FORMAT not in called(log)[0]


def test_an_error_of_clang_ends_it_with_its_status(
    settings: Settings, tmp_path: Path, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.obj"
    words = [*SOURCE, "--offload-arch=gfx666", "--offload-arch=gfx1100", "-o", str(out), "-c", "a.cu"]
    assert call_compiler(settings, words, BytesIO()) == 3
    assert (capfd.readouterr().err, len(called(log)), out.exists()) == ("no such GPU\n", 1, False)


def test_a_compiler_cache_keeps_the_code_of_each_gpu(
    settings: Settings, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = Settings(**{**vars(settings), "launcher": str(tmp_path / "zig" / "cache")})
    monkeypatch.setenv("CCACHE_DISABLE", "1")  # as ccache does for what it calls
    words = [*SOURCE, "--offload-arch=gfx90a", "--offload-arch=gfx1100", "-o", str(tmp_path / "a.obj"), "-c", "a.cu"]
    assert call_compiler(cached, words, BytesIO()) == 0
    assert [(Path(words[0]).name, words[1:2]) for words in called(log)] == [
        ("cache", []),
        ("zig", ["clang"]),
        ("cache", []),
        ("zig", ["clang"]),
        ("zig", ["clang"]),
    ]


def test_a_source_is_preprocessed_for_the_cpu_and_every_gpu(settings: Settings, tmp_path: Path) -> None:
    words = [*SOURCE, "--offload-arch=gfx90a", "--offload-arch=gfx1100", "-E", "a.cu"]
    output = BytesIO()
    assert call_compiler(settings, words, output) == 0
    said = output.getvalue().decode().splitlines()
    assert ["--cuda-host-only" in said[0], "gfx90a" in said[1], "gfx1100" in said[2]] == [True] * 3
    assert call_compiler(settings, [*words, "-o", str(tmp_path / "a.ii")], BytesIO()) == 0
    assert len((tmp_path / "a.ii").read_text(encoding="utf-8").splitlines()) == 3


def test_paths_are_seen_from_the_builds_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.write(tmp_path / "settings.json")
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path / "build")
    found = read_settings(tmp_path / "settings.json")
    assert (found.zig, found.launcher) == ("../zig/zig", "")
    assert Path(found.include).resolve() == Path("/hip")


def test_a_mistake_in_a_call_is_told_without_a_traceback(settings: Settings, tmp_path: Path) -> None:
    settings.write(tmp_path / "settings.json")
    command = [sys.executable, "-m", "tools.compilers.hip_windows", str(tmp_path / "settings.json"), "-c", "a.cu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "hip_windows: error: No GPU is named that is compiled for.",
    )
    assert json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))["programs"] == "/programs"
