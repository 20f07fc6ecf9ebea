"""Small libraries for other targets, compiled by zig: one that complies with every rule, and ways to break them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tests.support.libraries import small_libraries
from tests.support.libraries.small_libraries import ABI_ID, BASE_SOURCE, EXPECTED, SHOWN, SOURCE, level_source
from tools.audit.library import Expected, Library
from tools.audit.reading import read_library
from tools.compilers.toolchains import zig_commands

COMMON = ("-O2", "-shared", "-fvisibility=hidden", "-fstack-protector-strong", "-Wl,-s")


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the libraries of a target are named and linked."""

    target: str
    prefix: str
    suffix: str
    module: str
    shown: str
    named: str = ""
    """The option that gives a library its own name, where the file's does not."""
    options: tuple[str, ...] = ()
    level_name: str = "haswell"
    flags: tuple[str, ...] = EXPECTED.levels["libggml-cpu-haswell.so"]
    """What the level asks of the processor, in ggml's words."""

    def shared(self, stem: str) -> str:
        """Return the file name of a library that others link with."""
        return f"{self.prefix}{stem}-{ABI_ID}{self.suffix}"

    @property
    def base(self) -> str:
        """The library from which all others import a symbol."""
        return self.shared("ggml-base")

    @property
    def good(self) -> str:
        """The library that complies with every rule."""
        return self.shared("good")

    @property
    def level(self) -> str:
        """A library that is selected by its score."""
        return f"{self.prefix}ggml-cpu-{self.level_name}{self.module}"

    @property
    def expected(self) -> Expected:
        """What these libraries are checked against."""
        own = frozenset((self.base, self.good, self.level))
        return replace(EXPECTED, own=own, levels={self.level: self.flags})


WINDOWS = Format(target="windows-x86_64", prefix="", suffix=".dll", module=".dll", shown="__declspec(dllexport)")
MACOS = Format(
    target="macos-arm64",
    prefix="lib",
    suffix=".dylib",
    module=".so",
    shown='__attribute__((visibility("default")))',
    named="-Wl,-install_name,@rpath/",
    options=("-Wl,-rpath,@loader_path",),
    level_name="apple_m1",
    flags=("DOTPROD",),
)

INTEL_MAC = replace(MACOS, target="macos-x86_64", level_name="haswell", flags=WINDOWS.flags)

LINUX = Format(
    target="linux-x86_64",
    prefix="lib",
    suffix=".so",
    module=".so",
    shown='__attribute__((visibility("default")))',
    named="-Wl,-soname,",
    options=("-fPIC", "-Wl,-rpath,$ORIGIN", "-Wl,-z,relro", "-Wl,-z,now", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"),
)
ARM = replace(LINUX, target="linux-aarch64", level_name="armv8.2_2", flags=("DOTPROD", "FP16_VECTOR_ARITHMETIC"))


@cache
def compiler(target: str) -> tuple[str, ...]:
    """Return zig as a C compiler for `target`; it is installed if it is missing."""
    return zig_commands(target).c


def build(form: Format, folder: Path, name: str, source: str, *more: str | Path, called: str = "") -> Library:
    """Compile `source` into the library `name`; the options `more` come last, so that they override earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.c"
    file.write_text(source.replace(SHOWN, f"#define SHOWN {form.shown}\n"), encoding="utf-8")
    own = [f"{form.named}{called or name}"] if form.named else []
    command = [*compiler(form.target), *COMMON, *form.options, *own, f"-ffile-prefix-map={folder}=src", file]
    command += [*more, "-o", folder / (called or name)]
    done = subprocess.run([str(argument) for argument in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_library((folder / (called or name)).rename(folder / name))


def build_good(form: Format, folder: Path, *more: str | Path, source: str = SOURCE, called: str = "") -> Library:
    """Compile the library that complies with every rule, unless `more`, another `source` or name breaks one."""
    return build(form, folder, form.good, source, base(form, folder), *more, called=called)


def build_level(form: Format, folder: Path, *, in_score: str = "", at_load: str = "", after: str = "") -> Library:
    """Compile a CPU level with assembly in its score function, in code that runs on load, or in another function."""
    source = level_source(in_score=in_score, at_load=at_load, after=after)
    unnamed = replace(form, named="") if form.suffix == ".so" else form
    return build(unnamed, folder, form.level, source, base(form, folder))


def base(form: Format, folder: Path) -> Path:
    """Compile the library from which all others import a symbol, and return the file to link with."""
    return linked(build(form, folder, form.base, BASE_SOURCE))


def linked(library: Library) -> Path:
    """Return the file to link with to use `library`: on Windows, the import library beside it."""
    imports = library.path.with_suffix(".lib")
    return imports if imports.exists() else library.path


def complaints(library: Library, form: Format, expected: Expected | None = None) -> dict[str, list[str]]:
    """Return the findings for `library`, by the name of the rule."""
    return small_libraries.complaints(library, expected or form.expected)
