"""The probe: a program of its own, which may crash, hang or print without affecting the caller.

Run by `probe.py` as `python -I -S <this file> <JSON>`; needs the standard library only and never imports llamapack. It
opens the libraries that the JSON names, lists the devices of the backend, multiplies small matrices on each, and writes
one JSON object a line to the descriptor `report`: a `step` before whatever may go wrong, and `result` at the end.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import json
import math
import operator
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS = 32
DEPTH = 256  # length of the scalar products: a multiple of every block size
_Q4_0, _F16, _F32 = 2, 1, 0  # ggml_type, whose numbers are fixed by the file format
# Type of the weights, and columns: one for each token, many for a prompt, since backends have kernels for either. The
# first two are always tried; the others while less than a quarter of the time is gone. Mesa's lavapipe takes up to 10
# seconds to compile each, graphics cards none.
PRODUCTS = ((_Q4_0, 1), (_F16, 16), (_Q4_0, 16), (_F16, 1))
_ALWAYS = 2
_MOST_COLUMNS = 16
_BLOCK = 32
_WARNING = 3  # ggml_log_level
_KINDS = {0: "cpu", 1: "gpu", 2: "igpu"}
_SOFTWARE = ("llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render")


class ProbeError(Exception):
    """What was found to be wrong: the value of a member of `verdicts.Fault`, and a description."""


def main(job: dict[str, Any]) -> None:
    """Do the `job` and exit at once, without unloading drivers: whether that works is not tested."""
    if hasattr(signal, "alarm"):
        signal.alarm(job["seconds"] + 5)  # nobody else ends this process if its parent was killed
    with os.fdopen(_descriptor(job), "w", encoding="ascii") as report:

        def say(**line: Any) -> None:
            print(json.dumps(line), file=report, flush=True)

        try:
            say(result=probe(job, lambda step: say(step=step)))
        except ProbeError as error:
            say(fault=error.args[0], reason=error.args[1])
        except OSError as error:
            if not str(error).startswith("exception: "):
                raise
            say(fault="crash", reason=str(error))  # on Windows ctypes makes that of a crash in a function it calls
    os._exit(0)


def _descriptor(job: dict[str, Any]) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(job["report"], os.O_WRONLY)
    return int(job["report"])


def probe(job: dict[str, Any], step: Callable[[str], None]) -> dict[str, Any]:
    """Load, list and compute; calls `step` with what comes next."""
    began = time.monotonic()
    ggml = Ggml(job, step)
    step("loading the CPU level")
    cpu = ggml.device(ggml.load(job["cpu"]), 0)
    problems = {kind: MatrixProblem(kind) for kind in (_Q4_0, _F16)}
    enough = began + job["seconds"] / 4
    if job["plugin"] is None:
        step("computing on the CPU")
        expected = {(kind, columns): problems[kind].solve(columns) for kind, columns in PRODUCTS}
        return {"devices": [ggml.examine(cpu, problems, expected, enough)], "libraries": [], "versions": None}
    before = loaded_libraries()
    for path in job["preload"]:
        step(f"loading {Path(path).name}")
        open_library(path)
    step("loading the library")
    library = open_library(job["plugin"])
    check_symbols(library, job["abi_id"])
    check_score(library)
    step("starting the backend")
    backend = ggml.load(job["plugin"])
    step("computing on the CPU")
    expected = {(kind, columns): ggml.multiply(cpu, problems[kind], columns) for kind, columns in PRODUCTS}
    step("listing the devices")
    devices = []
    for index in range(ggml.count(backend)):
        device = ggml.device(backend, index)
        if ggml.pci_id(device) in job["avoided"]:
            devices.append(ggml.examine(device, problems, {}, enough))
            continue
        step(f"computing on device {index}, {ggml.name(device)}")
        devices.append(ggml.examine(device, problems, expected, enough))
    step("asking the driver")
    versions = add_cuda_facts(devices, job["preload"])
    add_vulkan_facts(devices)
    libraries = [path for path in loaded_libraries() if path not in before]
    return {"devices": devices, "libraries": libraries, "versions": versions}


class Ggml:
    """ggml, as far as it is needed; `_generated.py` declares the functions."""

    def __init__(self, job: dict[str, Any], step: Callable[[str], None]) -> None:
        """Open ggml-base and ggml."""
        self.types = import_file(Path(job["bindings"]))
        step("loading ggml")
        self.api = self.types.Native({"ggml-base": open_library(job["base"]), "ggml": open_library(job["ggml"])})
        self._log = self.types.ggml_log_callback(log)  # kept alive by us; ggml does not
        self.api.ggml_log_set(self._log, None)

    def load(self, path: str) -> Any:
        """Register the backend in the library at `path`, which ggml then finds open."""
        open_library(path)
        backend = self.api.ggml_backend_load(path.encode() if sys.platform == "win32" else os.fsencode(path))
        if not backend:
            raise ProbeError("loading", "ggml refuses it")
        return backend

    def count(self, backend: Any) -> int:
        """Return how many devices the backend offers."""
        return int(self.api.ggml_backend_reg_dev_count(backend))

    def device(self, backend: Any, index: int) -> Any:
        """Return one of the backend's devices."""
        return self.api.ggml_backend_reg_dev_get(backend, index)

    def name(self, device: Any) -> str:
        """Return ggml's name of the device."""
        return text(self.api.ggml_backend_dev_name(device)) or ""

    def pci_id(self, device: Any) -> str:
        """Return the device's PCI id in small letters; empty if it has none."""
        properties = self.types.ggml_backend_dev_props()
        self.api.ggml_backend_dev_get_props(device, properties)
        return (text(properties.device_id) or "").lower()

    def examine(
        self,
        device: Any,
        problems: Mapping[int, MatrixProblem],
        expected: Mapping[tuple[int, int], list[float]],
        enough: float,
    ) -> dict[str, Any]:
        """Describe a device, and compare its products with the `expected` ones; after `enough`, only the first."""
        properties = self.types.ggml_backend_dev_props()
        self.api.ggml_backend_dev_get_props(device, properties)
        description = text(properties.description) or ""
        errors: dict[int, list[float]] = {kind: [] for kind in problems}
        for index, ((kind, columns), wanted) in enumerate(expected.items()):
            if index < _ALWAYS or time.monotonic() < enough:
                error = difference(self.multiply(device, problems[kind], columns), wanted)
                errors[kind] += [] if error is None else [error]
        return {
            "name": text(properties.name) or "",
            "description": description,
            "kind": _KINDS.get(properties.type, "accel"),
            "pci_id": text(properties.device_id) or None,
            "memory_free": properties.memory_free,
            "memory_total": properties.memory_total,
            "software": any(word in description.lower() for word in _SOFTWARE),
            "error_quantized": max(errors[_Q4_0], default=None),
            "error_f16": max(errors[_F16], default=None),
        }

    def multiply(self, device: Any, problem: MatrixProblem, columns: int) -> list[float]:
        """Multiply on `device` with the first `columns` of the inputs; returns [] if it does not support that."""
        backend = self.api.ggml_backend_dev_init(device, None)
        if not backend:
            raise ProbeError("loading", f"the device {self.name(device)} cannot be started")
        try:
            return self._multiply(device, backend, problem, columns)
        finally:
            self.api.ggml_backend_free(backend)

    def _multiply(self, device: Any, backend: Any, problem: MatrixProblem, columns: int) -> list[float]:
        api = self.api
        size = 8 * api.ggml_tensor_overhead() + api.ggml_graph_overhead()
        context = api.ggml_init(self.types.ggml_init_params(mem_size=size, mem_buffer=None, no_alloc=True))
        weights = api.ggml_new_tensor_2d(context, problem.type, DEPTH, ROWS)
        inputs = api.ggml_new_tensor_2d(context, _F32, DEPTH, columns)
        product = api.ggml_mul_mat(context, weights, inputs)
        result: list[float] = []
        if api.ggml_backend_dev_supports_op(device, product):
            graph = api.ggml_new_graph(context)
            api.ggml_build_forward_expand(graph, product)
            buffer = api.ggml_backend_alloc_ctx_tensors(context, backend)
            if not buffer:
                raise ProbeError(
                    "loading", f"the device {self.name(device)} gives no memory, not even for a small matrix"
                )
            for tensor, data in ((weights, problem.weights), (inputs, problem.inputs[: 4 * DEPTH * columns])):
                api.ggml_backend_tensor_set(tensor, data, 0, len(data))
            if (status := api.ggml_backend_graph_compute(backend, graph)) != 0:
                raise ProbeError(
                    "wrong result", f"the device {self.name(device)} computes nothing: ggml's status {status}"
                )
            numbers = (ctypes.c_float * (ROWS * columns))()
            api.ggml_backend_tensor_get(product, numbers, 0, ctypes.sizeof(numbers))
            result = list(numbers)
            api.ggml_backend_buffer_free(buffer)
        api.ggml_free(context)
        return result


class MatrixProblem:
    """Two matrices for which a correct backend makes hardly any error.

    The inputs are multiples of 1/128 whose largest in each block is 127/128: backends that round them to 8 bits, with a
    scale for each block, or to f16, lose nothing.
    """

    def __init__(self, kind: int) -> None:
        """Make the matrices for weights of the ggml type `kind`: Q4_0 or F16."""
        self.type = kind
        random = RandomNumbers()
        if kind == _Q4_0:
            self.weights, self.rows = random.q4_0(ROWS)
        else:
            self.weights, self.rows = random.f16(ROWS)
        self.columns = [random.inputs() for _ in range(_MOST_COLUMNS)]
        self.inputs = struct.pack(f"={DEPTH * _MOST_COLUMNS}f", *(value for column in self.columns for value in column))

    def solve(self, columns: int) -> list[float]:
        """Multiply with the first `columns` without any library."""
        return [sum(map(operator.mul, row, column)) for column in self.columns[:columns] for row in self.rows]


class RandomNumbers:
    """Pseudo-random numbers that are the same everywhere."""

    def __init__(self) -> None:
        """Begin."""
        self._state = 1

    def below(self, limit: int) -> int:
        """Return the next number, from 0 up to `limit`."""
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit

    def inputs(self) -> list[float]:
        """Make one column."""
        steps = [self.below(255) - 127 for _ in range(DEPTH)]
        steps[::_BLOCK] = [127] * (DEPTH // _BLOCK)
        return [value / 128 for value in steps]

    def f16(self, rows: int) -> tuple[bytes, list[list[float]]]:
        """Make a matrix as ggml stores it, and its rows."""
        values = [[(self.below(2047) - 1023) / 1024 for _ in range(DEPTH)] for _ in range(rows)]
        return b"".join(struct.pack(f"={DEPTH}e", *row) for row in values), values

    def q4_0(self, rows: int) -> tuple[bytes, list[list[float]]]:
        """Make a matrix in blocks of a scale and 32 numbers of 4 bits: the low halves of the bytes come first."""
        data, values = [], []
        for _ in range(rows):
            row: list[float] = []
            for _ in range(DEPTH // _BLOCK):
                scale = (1 + self.below(8)) / 64
                halves = [self.below(16) for _ in range(_BLOCK)]
                low, high = halves[: _BLOCK // 2], halves[_BLOCK // 2 :]
                packed = bytes(one | other << 4 for one, other in zip(low, high, strict=True))
                data.append(struct.pack("=e", scale) + packed)
                row.extend((half - 8) * scale for half in halves)
            values.append(row)
        return b"".join(data), values


def difference(product: Sequence[float], expected: Sequence[float]) -> float | None:
    """Return the norm of the difference over that of `expected`; None if there is nothing to compare.

    If the result has infinities or NaN, a huge number is returned.
    """
    if not product or not expected:
        return None
    error = math.sqrt(sum((a - b) ** 2 for a, b in zip(product, expected, strict=True)) / sum(b * b for b in expected))
    return error if math.isfinite(error) else 1e9


def check_score(library: ctypes.CDLL) -> None:
    """Ask the backend for its score, if it has one; 0 means that it does not run on this machine."""
    if hasattr(library, "ggml_backend_score") and library.ggml_backend_score() == 0:
        raise ProbeError("loading", "it says itself that it does not run on this machine")


def add_cuda_facts(devices: Sequence[dict[str, Any]], opened: Sequence[str]) -> dict[str, str] | None:
    """Add what only NVIDIA's driver knows, where the devices are that driver's; return the versions of CUDA here."""
    ours = any(device["name"].upper().startswith("CUDA") for device in devices)
    if not ours and not any("cudart" in Path(path).name for path in opened):
        return None
    facts = import_file(Path(__file__).resolve().with_name("_cuda_facts.py"))
    known = facts.cuda_facts() if ours else {}
    for device in devices:
        device.update(known.get((device["pci_id"] or "").lower(), {}))
    versions: dict[str, str] | None = facts.cuda_versions(opened)
    return versions


def add_vulkan_facts(devices: Sequence[dict[str, Any]]) -> None:
    """Add what only Vulkan's drivers know, where the devices are theirs."""
    if any(device["name"].startswith("Vulkan") for device in devices):
        import_file(Path(__file__).resolve().with_name("_vulkan_facts.py")).add_vulkan_facts(devices)


def import_file(path: Path) -> Any:
    """Import a module that is in no package here."""
    loader = importlib.machinery.SourceFileLoader(path.stem, str(path))
    spec = importlib.util.spec_from_loader(path.stem, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def check_symbols(library: ctypes.CDLL, abi_id: str) -> None:
    """Ask the loaded library for its ABI id before it is registered."""
    for name in ("llamapack_backend_abi_id", "ggml_backend_init"):
        if not hasattr(library, name):
            raise ProbeError("missing symbol", f"its library has no symbol {name}")
    library.llamapack_backend_abi_id.restype = ctypes.c_char_p
    said = text(library.llamapack_backend_abi_id()) or "nothing"
    if said != abi_id:
        raise ProbeError("exported id", said)


def open_library(path: str) -> ctypes.CDLL:
    """Open the library at `path`; it prefers its own symbols to those of a foreign ggml, if LD_PRELOAD brought one."""
    prefer = getattr(os, "RTLD_DEEPBIND", 0)
    foreign = bool(prefer) and hasattr(ctypes.CDLL(None), "ggml_backend_load")
    try:
        return ctypes.CDLL(path, mode=ctypes.DEFAULT_MODE | (prefer if foreign else 0))
    except OSError as error:
        raise ProbeError("loading", str(error)) from error


def loaded_libraries() -> list[str]:
    """List the libraries of this process; on macOS none, where most of them are no files."""
    if sys.platform == "darwin":
        return []
    module = import_file(Path(__file__).resolve().parents[1] / "host" / "loaded_libraries.py")
    return sorted(map(str, module.loaded_libraries()))


def log(level: int, line: bytes | None, _: Any) -> None:
    """Print warnings, errors and what continues them; the rest would hide them."""
    if level >= _WARNING and line:
        with contextlib.suppress(OSError):
            os.write(2, line)


def text(value: bytes | None) -> str | None:
    """Decode a text that ggml returned."""
    return None if value is None else value.decode("utf-8", "replace")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
