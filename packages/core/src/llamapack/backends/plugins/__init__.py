"""Find installed plug-ins and check that they fit this core.

entry_points   Find the entry points of installed packages, without importlib.metadata where that can be avoided.
discovery      Find the plug-ins that are installed. Each is on its own: what is wrong with one is a verdict and stops n
compatibility  Whether a plug-in and this llamapack belong together: four layers, each of which would be enough on a goo
"""

__all__ = ["compatibility", "discovery", "entry_points"]
