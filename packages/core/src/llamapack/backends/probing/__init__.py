"""Run the code of plug-ins in child processes only, and remember what came of it.

describe              Describe plug-ins: from what is remembered, or else by asking them.
description           What a plug-in says of itself, as this process knows it: remembered, checked, or read from a file.
ask                   Have plug-ins asked for their descriptions.
rocm_sdk              Have AMD's Python package asked for the folders of ROCm.
questions             Ask Python code of others in child processes, and tell how that ended.
_ask                  The program that asks one of these, in a process of its own.
probe                 Try backends and CPU levels: do they compute what they should?
_probe                The program that tries one backend, in a process of its own.
_cuda_facts           For `_probe`: what NVIDIA's driver and runtime say and ggml does not.
_vulkan_facts         For `_probe`: what Vulkan's drivers say and ggml does not.
outcome               Turn what a probe left behind into a verdict.
verdict_cache         Remember verdicts, each for as long as it can be trusted.
cache                 Files that remember between processes what child processes found out.
fingerprint           What a remembered outcome depends on: files, drivers, permissions, environment, boot, processor.
options               The variables LLAMAPACK_PROBE and LLAMAPACK_PROBE_SECONDS.
launch                Start child processes of Python, or say why that cannot be done here.
subprocesses          Run programs side by side, and end them with all that they started.
subprocesses_windows  The same on Windows.
processes             What both share: a command, how a process ended, and the limits that hold for it.
exit_status           Say in words how a process ended.
"""

__all__ = [
    "ask",
    "cache",
    "describe",
    "description",
    "exit_status",
    "fingerprint",
    "launch",
    "options",
    "outcome",
    "probe",
    "processes",
    "questions",
    "rocm_sdk",
    "subprocesses",
    "subprocesses_windows",
    "verdict_cache",
]
