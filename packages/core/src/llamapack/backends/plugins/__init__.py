"""Find installed plug-ins and check that they fit this core.

entry_points   Find the entry points of installed packages, without importlib.metadata if that is possible.
discovery      Check descriptions of plug-ins, and keep one of each name.
compatibility  Check that a plug-in and this llamapack are of one build.
"""

__all__ = ["compatibility", "discovery", "entry_points"]
