"""The worst environment that a process can inherit.

These values have broken tests, or resemble values that have: a variable that makes OpenBLAS assume another processor,
SIGINT that a shell ignores for background jobs, SIGCHLD, without which child processes have no exit status.
"""

from __future__ import annotations

VARIABLES = {
    "OPENBLAS_CORETYPE": "SkylakeX",
    "OPENBLAS_NUM_THREADS": "3",
    "OMP_NUM_THREADS": "3",
    "GOMP_CPU_AFFINITY": "4095",
    "KMP_AFFINITY": "none",
    "MKL_NUM_THREADS": "3",
    "GGML_VK_VISIBLE_DEVICES": "97",
    "GGML_CUDA_ENABLE_UNIFIED_MEMORY": "1",
    "LLAMA_ATTN_ROT_DISABLE": "1",
    "LLAMA_ARG_THREADS": "97",
    "LLAMAPACK_BACKENDS": "nonsense",
    "LLAMAPACK_CPU": "nonsense",
    "LLAMAPACK_CPU_LEVELS": "nonsense",
    "LLAMAPACK_PROBE": "nonsense",
    "LLAMAPACK_PROBE_RUN": "nonsense",
    "LLAMAPACK_PROBE_SECONDS": "nonsense",
    "CUDA_VISIBLE_DEVICES": "97",
    "HIP_VISIBLE_DEVICES": "97",
    "HIP_PATH": "/nonsense",
    "ROCR_VISIBLE_DEVICES": "97",
    "HSA_OVERRIDE_GFX_VERSION": "9.9.9",
    "VK_DRIVER_FILES": "/nonsense.json",
    "QEMU_CPU": "nonsense",
    "WINEPREFIX": "/nonsense",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "7",
    "PYTHONIOENCODING": "ascii:strict",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
    "PYTEST_DEBUG_TEMPROOT": "/nonsense",
    "LANG": "C",
    "LANGUAGE": "de",
    "LC_ALL": "C",
    "LC_NUMERIC": "de_DE.UTF-8",
    "TZ": "XYZ-13:45",
    "COLUMNS": "11",
    "LINES": "3",
}

LAUNCH = """
import os, resource, signal, sys
for name in ("SIGINT", "SIGPIPE", "SIGCHLD", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGQUIT"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})
os.umask(0o077)
for name, soft in {"NOFILE": 48, "CORE": -1, "FSIZE": 1 << 24, "AS": 3 << 30, "STACK": 4 << 20, "NPROC": -1}.items():
    number = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(number)[1]
    resource.setrlimit(number, (soft if hard == resource.RLIM_INFINITY else min(soft % (1 << 63), hard), hard))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Python code that sets the rest, and then becomes the program that its arguments name."""
