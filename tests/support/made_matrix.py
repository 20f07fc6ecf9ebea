"""A small made-up matrix for tests."""

from __future__ import annotations

from pathlib import Path

from tools.matrix import Matrix, read_matrix

TOML = """\
[[verified]]
build = "cpu-linux-x86_64"
session = "test-cpu"

[[tried]]
build = "vulkan-windows-x86_64"
session = "test-vulkan"

[targets.linux-x86_64]
levels = "x86"
zig = "x86_64-linux-gnu.{glibc}"
wheel = "manylinux_{glibc}_x86_64"
runner = "ubuntu-24.04"
emulated = { linux-x86_64 = "qemu-x86_64" }

[targets.windows-x86_64]
levels = "x86"
zig = "x86_64-windows-gnu"
wheel = "win_amd64"
runner = "windows-2025"
emulated = { linux-x86_64 = "wine" }

[targets.macos-arm64]
levels = "apple"
zig = "aarch64-macos.{macos}"
wheel = "macosx_{macos}_arm64"
runner = "macos-15"
emulated = {}

[backends.cpu]
wheel = "llamapack"
targets = ["linux-x86_64", "windows-x86_64", "macos-arm64"]
compiled = { windows-x86_64 = ["linux-x86_64"] }

[backends.vulkan]
wheel = "llamapack-vulkan"
targets = ["linux-x86_64", "windows-x86_64"]
device = "a GPU"
compiled = { windows-x86_64 = ["linux-x86_64"] }

[backends.vulkan.software]
linux-x86_64 = { linux-x86_64 = "lavapipe" }
windows-x86_64 = { linux-x86_64 = "lavapipe in wine" }

[backends.cuda]
wheel = "llamapack-cuda"
targets = ["linux-x86_64", "windows-x86_64"]
device = "an NVIDIA GPU"
audited = { linux-x86_64 = "linux-x86_64", windows-x86_64 = "linux-x86_64" }
compiled = { windows-x86_64 = ["linux-x86_64"] }
loaded = { linux-x86_64 = ["linux-x86_64"], windows-x86_64 = ["linux-x86_64"] }

[[levels.x86]]
name = "x64"
flags = []
qemu = "Conroe"

[[levels.x86]]
name = "haswell"
flags = ["AVX2"]
qemu = "Haswell"

[[levels.x86]]
name = "zen4"
flags = ["AVX2", "AVX512"]

[[levels.apple]]
name = "apple_m1"
flags = ["DOTPROD"]

[flags]
AVX2 = ["avx2"]
AVX512 = ["avx512f", "avx512bw"]
DOTPROD = ["asimddp"]

[[gpu.cuda]]
arch = "75"
kind = "ptx"
reason = "Turing"

[toolchains.glibc]
version = "2.28"
use = "floor"
reason = "old"

[toolchains.macos]
version = "14.0"
use = "floor"
reason = "new"

[python]
wheels = ["3.10", "3.13"]
tools = ["3.11", "3.13"]
"""


def made_matrix(folder: Path, text: str = TOML) -> Matrix:
    """Load a matrix from `text`."""
    path = folder / "matrix.toml"
    path.write_text(text, encoding="utf-8")
    return read_matrix(path)
