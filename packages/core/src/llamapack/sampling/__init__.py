"""Choose the next token from what the model thinks of all of them."""

from __future__ import annotations

from llamapack.sampling.candidates import Candidates
from llamapack.sampling.chain import Sampler, SamplerPerf
from llamapack.sampling.custom import Custom
from llamapack.sampling.links import (
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
from llamapack.sampling.parameters import SamplingParameters

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
