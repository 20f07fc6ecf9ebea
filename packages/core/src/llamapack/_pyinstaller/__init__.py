"""PyInstaller's hook for llamapack. PyInstaller finds this folder by the entry point `pyinstaller40`.

folder          Tell PyInstaller where the hook is.
hook-llamapack  Name what belongs to llamapack beside the imported modules: libraries, data files and plug-ins.
"""

from __future__ import annotations

__all__ = ["folder"]
