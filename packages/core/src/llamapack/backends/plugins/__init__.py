"""Find installed plug-ins and check that they fit this core.

entry_points   Find the entry points of installed packages, without importlib.metadata if that is possible.
discovery      Which of the installed plug-ins count: one of each name, if its description fits.
compatibility  Whether a plug-in and this llamapack belong together: four layers of the handshake.
"""

__all__ = ["compatibility", "discovery", "entry_points"]
