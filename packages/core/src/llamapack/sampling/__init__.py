"""Choose the next token from the logits of a model.

sampler      The sampler: a chain of stages that ends in the choice of a token.
parameters   The usual sampling parameters, and the chain that llama.cpp makes of them.
stages       The stages of a sampler chain, each with its parameters.
candidates   Candidates: tokens that may come next, with their logits.
custom       A stage that calls a Python function.
grammar      Grammars that restrict the tokens a sampler may choose.
json_schema  Convert JSON schemas to grammars.
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
