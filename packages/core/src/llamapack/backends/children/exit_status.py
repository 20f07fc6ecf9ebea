"""Describe in words how a process ended."""

from __future__ import annotations

import signal

_SIGNALS = {
    "SIGSEGV": "it accessed memory that is not its own",
    "SIGILL": "it used an instruction that this processor does not have",
    "SIGABRT": "it gave up by itself",
    "SIGBUS": "it accessed memory or a file that is not there",
    "SIGFPE": "it divided by zero",
    "SIGKILL": "somebody killed it, often the system for want of memory",
    "SIGSYS": "it made a system call that is forbidden here",
    "SIGTERM": "somebody ended it",
    "SIGALRM": "its time was up",
}
# NTSTATUS values, by Microsoft's names
_WINDOWS = {
    0xC0000005: ("STATUS_ACCESS_VIOLATION", _SIGNALS["SIGSEGV"]),
    0xC000001D: ("STATUS_ILLEGAL_INSTRUCTION", _SIGNALS["SIGILL"]),
    0xC0000094: ("STATUS_INTEGER_DIVIDE_BY_ZERO", _SIGNALS["SIGFPE"]),
    0xC00000FD: ("STATUS_STACK_OVERFLOW", "its stack was full"),
    0xC0000135: ("STATUS_DLL_NOT_FOUND", "a library that it needs is missing"),
    0xC0000139: ("STATUS_ENTRYPOINT_NOT_FOUND", "a library that it needs is of another version"),
    0xC0000142: ("STATUS_DLL_INIT_FAILED", "a library that it needs did not start"),
    0xC0000374: ("STATUS_HEAP_CORRUPTION", "it damaged its memory"),
    0xC0000409: ("STATUS_STACK_BUFFER_OVERRUN", _SIGNALS["SIGABRT"]),
}


def crash_name(status: int) -> str | None:
    """Return the name of the signal or the Windows exception in `status`; None if the process exited by itself."""
    if -0x1000 < status < 0:
        return _signal_name(-status)
    code = status & 0xFFFFFFFF
    if code >= 0xC0000000:
        return _WINDOWS.get(code, (f"the exception {code:#010x}", ""))[0]
    return None


def describe_crash(status: int) -> str | None:
    """Return the signal or the Windows exception in `status` and its meaning; None if the process exited by itself."""
    name = crash_name(status)
    meaning = _SIGNALS.get(name or "") or dict(_WINDOWS.values()).get(name or "")
    return f"{name} ({meaning})" if meaning else name


def describe_end(status: int | None) -> str:
    """Return how a process that was to go on ended, as the end of a sentence; None stands for one that still runs."""
    if status is None:
        return "stopped answering"
    return f"was ended by {crash}" if (crash := describe_crash(status)) else f"exited with status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
