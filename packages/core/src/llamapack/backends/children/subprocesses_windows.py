"""`run_children` on Windows: a job object ends what a child started, and threads read, for pipes cannot be polled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from llamapack.backends.children.processes import (
    LONGEST_OUTPUT,
    LONGEST_REPORT,
    SECONDS_TO_DIE,
    Command,
    ProcessResult,
    child_environment,
    output_tail,
)

_KILL_ON_JOB_CLOSE = 0x2000
_EXTENDED_LIMITS = 9


def run_children(commands: Sequence[Command], seconds: float) -> tuple[ProcessResult, ...]:
    """Run all `commands` at the same time, each for `seconds` at most, and return in their order how they ended."""
    children: list[_Child] = []
    try:
        for command in commands:
            children.append(_Child(command))
        return tuple(child.end(seconds) for child in children)
    finally:
        for child in children:
            child.kill()


class _Child:
    def __init__(self, command: Command) -> None:
        import msvcrt

        report, report_end = os.pipe()
        get_handle: Any = getattr(msvcrt, "get_osfhandle")  # noqa: B009  # unknown to checkers elsewhere
        startup: Any = getattr(subprocess, "STARTUPINFO")  # noqa: B009
        handle = get_handle(report_end)
        os.set_handle_inheritable(handle, True)  # type: ignore[attr-defined,unused-ignore]  # Windows only
        self._began = time.monotonic()
        try:
            process: Any = subprocess.Popen(
                list(command(handle)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=child_environment(os.urandom(16).hex()),
                startupinfo=startup(lpAttributeList={"handle_list": [handle]}),
                creationflags=0x08000000,  # CREATE_NO_WINDOW
            )
        finally:
            os.close(report_end)
        self._process = process
        self._job = _job_of(int(process._handle))
        self._report, self._output = bytearray(), bytearray()
        self._threads = [
            _reader(report, self._take_report),
            _reader(os.dup(process.stdout.fileno()), self._take_output),
        ]
        process.stdout.close()

    def end(self, seconds: float) -> ProcessResult:
        """Wait until the time is up at most, and kill what is left."""
        try:
            status = self._process.wait(max(0.0, self._began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = None
        self.kill()
        for thread in self._threads:
            thread.join(1)
        return ProcessResult(
            status=status,
            report=bytes(self._report),
            output=output_tail(bytes(self._output)),
            seconds=time.monotonic() - self._began,
        )

    def kill(self) -> None:
        """Close the job, which ends every process in it."""
        if self._job:
            _kernel().CloseHandle(self._job)
            self._job = None
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_DIE)

    def _take_report(self, data: bytes) -> None:
        self._report += data[: LONGEST_REPORT - len(self._report)]

    def _take_output(self, data: bytes) -> None:
        self._output += data
        del self._output[:-LONGEST_OUTPUT]


def _reader(pipe: int, take: Callable[[bytes], None]) -> threading.Thread:
    def read() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(pipe, 1 << 16):
                take(data)
        os.close(pipe)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _kernel() -> Any:
    library: Any = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009
    library.CreateJobObjectW.restype = ctypes.c_void_p
    library.CreateJobObjectW.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p)
    library.SetInformationJobObject.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
    library.AssignProcessToJobObject.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    library.CloseHandle.argtypes = (ctypes.c_void_p,)
    return library


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("per_process_time", ctypes.c_int64),
        ("per_job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("basic", _BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def _job_of(process: int) -> int | None:
    """Put the process into a job that ends with us; None if the system refuses, as in some containers."""
    kernel = _kernel()
    job = kernel.CreateJobObjectW(None, None)
    limits = _ExtendedLimits()
    limits.basic.flags = _KILL_ON_JOB_CLOSE
    done = (
        job
        and kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        and kernel.AssignProcessToJobObject(job, process)
    )
    return int(job) if done else None
