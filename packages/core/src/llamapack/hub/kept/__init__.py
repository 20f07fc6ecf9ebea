"""What is kept on this machine: models that were downloaded.

listing   The models in the cache, in llamapack's own folder of downloads, and in Ollama's.
removing  Remove one, with all that nothing else uses.
"""

from __future__ import annotations

from llamapack.hub.kept.listing import KeptModel, kept_models
from llamapack.hub.kept.removing import Removed, remove_model

__all__ = ["KeptModel", "Removed", "kept_models", "remove_model"]
