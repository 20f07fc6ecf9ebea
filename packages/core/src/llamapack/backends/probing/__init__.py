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
"""

__all__ = [
    "ask",
    "cache",
    "describe",
    "description",
    "fingerprint",
    "options",
    "outcome",
    "probe",
    "questions",
    "rocm_sdk",
    "verdict_cache",
]
