"""Choose the next token from what the model thinks of all of them."""

from __future__ import annotations

from llamapack.sampling.candidates import Candidates
from llamapack.sampling.custom import Custom
from llamapack.sampling.parameters import SamplingParameters
from llamapack.sampling.sampler import Sampler, SamplerPerf
from llamapack.sampling.stages import (
    AdaptiveP,
    Dist,
    Dry,
    DynamicTemperature,
    Greedy,
    Infill,
    Link,
    LogitBias,
    MinP,
    Mirostat,
    MirostatV2,
    Penalties,
    Temperature,
    TopK,
    TopNSigma,
    TopP,
    Typical,
    Xtc,
)

__all__ = [
    "AdaptiveP",
    "Candidates",
    "Custom",
    "Dist",
    "Dry",
    "DynamicTemperature",
    "Greedy",
    "Infill",
    "Link",
    "LogitBias",
    "MinP",
    "Mirostat",
    "MirostatV2",
    "Penalties",
    "Sampler",
    "SamplerPerf",
    "SamplingParameters",
    "Temperature",
    "TopK",
    "TopNSigma",
    "TopP",
    "Typical",
    "Xtc",
]
