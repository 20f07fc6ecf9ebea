"""Choose the next token from what the model thinks of all of them.

sampler      The sampler: a chain of links that ends in the choice of a token.
parameters   The usual sampling parameters, and the chain that llama.cpp makes of them.
stages       The links of a sampler chain: what each does, and with which numbers.
candidates   Candidates: tokens that may come next, with their logits.
custom       A link that is a Python function.
grammar      Grammars: what a text must look like, for a sampler to allow nothing else.
json_schema  JSON schemas, as grammars.
checks       Ranges of numbers, checked before llama.cpp sees them.
"""

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
