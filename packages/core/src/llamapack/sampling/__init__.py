"""Choose the next token from what the model thinks of all of them.

sampler      The sampler: a chain of stages that ends in the choice of a token.
parameters   The usual sampling parameters, and the chain that llama.cpp makes of them.
stages       The stages of a sampler chain: what each does, and with which numbers.
candidates   Candidates: tokens that may come next, with their logits.
custom       A stage that is a Python function.
grammar      Grammars: what a text must look like, for a sampler to allow nothing else.
json_schema  JSON schemas, as grammars.
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
    LogitBias,
    MinP,
    Mirostat,
    MirostatV2,
    Penalties,
    Stage,
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
    "LogitBias",
    "MinP",
    "Mirostat",
    "MirostatV2",
    "Penalties",
    "Sampler",
    "SamplerPerf",
    "SamplingParameters",
    "Stage",
    "Temperature",
    "TopK",
    "TopNSigma",
    "TopP",
    "Typical",
    "Xtc",
]
