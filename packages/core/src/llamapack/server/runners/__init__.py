"""The models of a server, and the runners that have them.

files     which models are meant: files, and folders with files
line      requests that wait for a slot
recovery  what is changed after a fault
asking    one request to a runner
keeper    keeps a model's runner going
feed      tells how the states of models change
models    the models by name: loaded when asked for, unloaded when in the way
"""

from __future__ import annotations

from llamapack.server.runners.files import find_models

__all__ = ["find_models"]
