"""llama.cpp's server as a process of its own.

program  where llamapack-runner is
"""

from __future__ import annotations

from llamapack.runner.program import runner_path

__all__ = ["runner_path"]
