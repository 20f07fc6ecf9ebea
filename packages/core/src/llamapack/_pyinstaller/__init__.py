"""How PyInstaller packs llamapack: it finds the folder by the entry point `pyinstaller40`, and runs the hook in it.

folder          Where PyInstaller finds the hook.
hook-llamapack  What belongs to llamapack beside the modules that are imported: libraries, data files and plug-ins.
"""

from __future__ import annotations

__all__ = ["folder"]
