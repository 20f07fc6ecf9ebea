"""What a process inherits from whoever starts it: variables, signals, the umask and limits; and a known state of them.

Sessions and tests call `settle()` before anything else, so that they, and all that they start, behave the same in
every shell, under every CI service, and in the background. Importing this module changes nothing.
"""

from __future__ import annotations

import locale
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.paths import ROOT

if sys.platform != "win32":
    import resource

SETTINGS = (
    # how libraries that compute choose their code, threads and processors
    *("BLIS_", "GOMP_", "GOTO_", "KMP_", "LP_NUM_THREADS", "MKL_", "NUMEXPR_", "NVPL_", "OMP_", "OPENBLAS_", "VECLIB_"),
    # llama.cpp and llamapack
    *("GGML_", "LLAMA_", "LLAMAPACK_"),
    # devices and their drivers
    *("AMD_", "CUDA_", "GPU_", "HIP_", "HSA_", "MESA_", "NVIDIA_", "ROCR_", "VK_"),
    # emulators
    *("QEMU_", "WINE"),
    # Python and pytest
    *("PYTEST_", "PYTHON"),
    # language, time zone and the width of the terminal
    *("COLUMNS", "LANG", "LC_", "LINES", "TZ"),
)
"""How the names of the variables begin that change what programs do, and are the person's own."""

FIXED = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
FIXED_IN_TESTS = {"OPENBLAS_NUM_THREADS": "1"}
"""What tests/conftest.py sets: numpy's threads wait in a loop, too, and tests run in several processes."""

OF_THE_SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Linux has chroot, debootstrap and ldconfig, which the PATH of a person is often without."""

BUILD = (
    *("LLAMAPACK_CACHE_DIR", "LLAMAPACK_COMPILER", "LLAMAPACK_CPU_FLAGS", "LLAMAPACK_CPU_LEVELS"),
    *("LLAMAPACK_CUDA_ARCHS", "LLAMAPACK_ROCM_ARCHS", "HIP_PATH"),
)
"""What a person may say about builds: see CONTRIBUTING.md and docs/development."""

DEVICES = (
    *("CUDA_DEVICE_ORDER", "CUDA_MPS_", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "HIP_VISIBLE_DEVICES", "HSA_OVERRIDE_GFX_VERSION", "ROCR_VISIBLE_DEVICES"),
    *("GGML_VK_VISIBLE_DEVICES", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"),
)
"""Which of the machine's devices a person, or a batch system, lets a session use; tests see them on a device only."""

EXTENT = (
    *("LLAMAPACK_FAULT_STRIDE", "LLAMAPACK_HUB_KILLS", "LLAMAPACK_KILL_STRIDE"),
    *("LLAMAPACK_TEST_PROCESSES", "LLAMAPACK_TEST_REQUESTS", "LLAMAPACK_VENDOR_STEPS"),
)
"""How much the longest tests try."""

TESTS = ("LLAMAPACK_TEST_", "LLAMAPACK_UPSTREAM_BIN", *EXTENT)
"""What tests are told: the beginnings of these variables' names."""

GIVEN = "LLAMAPACK_TEST_GIVEN"
"""Names, with commas, the other variables that a session gives to its tests."""

RESTARTED = "LLAMAPACK_RESTARTED"
"""Set for the process that `Settled.restart` starts, which never starts another one."""

UMASK = 0o022
LIMITS = {"CORE": 0, "NOFILE": 4096, "STACK": 8 << 20}
"""Limits with a value of their own: no core files, a common number of open files, the stack that Linux gives."""
RAISED = ("AS", "CPU", "DATA", "FSIZE", "MEMLOCK", "NPROC", "RSS")
"""Limits that are raised as far as this process may."""

# Python reads its variables when it starts. These make no difference to what a running one does.
_HARMLESS = ("PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED")
_LOCALE = ("LANG", "LC_")

# Left as they are: Python's own, for which children get the default; nohup's; those of a terminal's job control.
_KEPT_SIGNALS = ("SIGPIPE", "SIGXFSZ", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What `settle` found and did."""

    before: Mapping[str, str]
    """All variables, as they were inherited."""
    removed: Mapping[str, str]
    """Those that are no longer set, or have another value now, with the value that was inherited."""

    @property
    def needs_restart(self) -> bool:
        """Whether this Python took a setting when it started which only another one can do without.

        False if it is that other one: what is set there again is set by whatever starts this Python, such as a
        wrapper, and would be set each time.
        """
        if RESTARTED in self.before:
            return False
        if any(name.startswith("PYTHON") and name not in _HARMLESS for name in self.removed):
            return True
        return any(name.startswith(_LOCALE) for name in self.removed) and sys.getfilesystemencoding() != "utf-8"

    def restart(self) -> NoReturn:
        """Run this process's command line again without those settings, and with all other inherited variables."""
        command = [sys.executable, *sys.orig_argv[1:]]
        kept = {name: value for name, value in self.before.items() if not name.startswith(("PYTHON", *_LOCALE))}
        variables = {**kept, **named(("PYTHON", *_LOCALE)), RESTARTED: "1"}
        sys.stdout.flush()
        sys.stderr.flush()
        if sys.platform == "win32":  # exec returns to the caller at once there, and quotes no argument with a space
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other one, whose status tells of it
            os._exit(subprocess.call(command, env=variables))
        os.execve(sys.executable, command, variables)  # noqa: S606  # our own command line


def settle(keep: Iterable[str] = ()) -> Settled:
    """Give this process, and so its children, known variables, signal handlers, umask and limits.

    Of SETTINGS only variables remain whose names begin with one of `keep`, and of PYTHONPATH the sources of
    this checkout. Call it in the main thread.
    """
    before = dict(os.environ)
    after = settled_variables(before, keep)
    for name in before.keys() - after.keys():
        del os.environ[name]
    os.environ.update(after)
    left_out = {*_paths(before.get("PYTHONPATH", ""))} - {*_paths(after.get("PYTHONPATH", ""))}
    sys.path[:] = [path for path in sys.path if path not in left_out]
    os.umask(UMASK)
    _settle_signals()
    _settle_limits()
    _settle_locale()
    changed = {name: value for name, value in before.items() if after.get(name) != value and name != RESTARTED}
    return Settled(before=before, removed=changed)


def settled_variables(variables: Mapping[str, str], keep: Iterable[str] = ()) -> dict[str, str]:
    """Return `variables` as `settle` leaves them."""
    kept = tuple(keep)
    found = {name: value for name, value in variables.items() if not name.startswith(SETTINGS) or name.startswith(kept)}
    if "PYTHONPATH" not in found and (own := _own_sources(variables.get("PYTHONPATH", ""))):
        found["PYTHONPATH"] = own
    if sys.platform == "linux" and (path := found.get("PATH")):
        found["PATH"] = os.pathsep.join(dict.fromkeys([*path.split(os.pathsep), *OF_THE_SYSTEM]))
    return found | FIXED


def told_to_tests(variables: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return what a test process keeps: what tests are told, and what the session names in GIVEN."""
    return (*TESTS, *filter(None, variables.get(GIVEN, "").split(",")))


def named(names: Iterable[str], variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return those of `variables` whose names begin with one of `names`."""
    return {name: value for name, value in variables.items() if name.startswith(tuple(names))}


def _own_sources(paths: str) -> str:
    sources = {ROOT, *ROOT.glob("packages/*/src")}
    return os.pathsep.join(path for path in _paths(paths) if Path(path).resolve() in sources)


def _paths(paths: str) -> list[str]:
    """Return the folders in the value of PYTHONPATH as sys.path has them."""
    return [os.path.abspath(path) for path in paths.split(os.pathsep) if path]  # noqa: PTH100  # as site does


def _settle_signals() -> None:
    """Undo what the parent ignores or blocks: SIGINT in the background, or SIGCHLD, without which no status comes."""
    kept = {getattr(signal, name, None) for name in _KEPT_SIGNALS}
    for number in signal.valid_signals() - kept:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _settle_limits() -> None:
    """Set soft limits as far as the hard ones allow."""
    if sys.platform == "win32":
        return
    for name in (*LIMITS, *RAISED):
        if (number := getattr(resource, f"RLIMIT_{name}", None)) is not None:
            _, hard = resource.getrlimit(number)
            wanted = LIMITS.get(name, hard)
            resource.setrlimit(number, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _settle_locale() -> None:
    with suppress(locale.Error):  # without C.UTF-8 a Python has UTF-8 all the same, and C's locale
        locale.setlocale(locale.LC_CTYPE, "")
    if sys.platform != "win32":
        time.tzset()
