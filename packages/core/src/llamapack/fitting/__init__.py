"""How long a context fits into the memory that is free, and what it would take: measured by llama.cpp, not guessed.

plans    fit, Fit: the longest context for each type of the KV cache, and how many layers go to the devices
choices  fit_repository: which quantization of a repository on the hub is the best that fits
search   the largest number that fits, with few measurements
"""

from __future__ import annotations

from llamapack.fitting.choices import RepositoryFit, TooLarge, fit_repository
from llamapack.fitting.plans import CACHE_TYPES, Fit, FreeMemory, Plan, fit

__all__ = ["CACHE_TYPES", "Fit", "FreeMemory", "Plan", "RepositoryFit", "TooLarge", "fit", "fit_repository"]
