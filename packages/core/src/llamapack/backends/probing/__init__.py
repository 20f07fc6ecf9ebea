"""Try a plug-in in a child process, and remember the outcome.

probe                 Try backends in child processes, all at the same time, and say in words what came of it.
_probe                The probe: a program of its own, which may crash, hang or print what it likes without harm to anyb
_cuda_facts           What NVIDIA's driver and runtime say and ggml does not: versions, UUIDs, compute capabilities. For
_vulkan_facts         What Vulkan's drivers say of their devices and ggml does not: UUID, name and version. For `_probe.
processes             What the runners of child processes share: a command, how a process ended, and the limits.
subprocesses          Run programs side by side, each with a pipe of its own for the answer, and outlive whatever they d
subprocesses_windows  `run_children` on Windows: a job object ends what a child started, and threads read, for pipes can
exit_status           Say in words how a process ended.
outcome               Turn what a probe left behind into a verdict: what happened, why, and what to do.
cache                 Remember verdicts between processes: one small JSON file for each, named by a checksum of what it
fingerprint           What a verdict depends on beside the code: files, drivers, device nodes, permissions, environment,
"""

__all__ = [
    "cache",
    "exit_status",
    "fingerprint",
    "outcome",
    "probe",
    "processes",
    "subprocesses",
    "subprocesses_windows",
]
