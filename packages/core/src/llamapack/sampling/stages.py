"""The stages of a sampler chain, each with its parameters.

A stage gets the remaining candidates with their logits, and removes some of them, changes logits, or chooses one;
llama.cpp calls each of them a sampler. Stages are values: they hold no native memory, and the same one may be part of
several chains. `p` is the probability of a candidate among the remaining ones: the softmax of the logits.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from llamapack._native import _generated as api
from llamapack._util.arguments import (
    check_int,
    check_mapping,
    check_number,
    check_seed,
    check_temperature,
    check_texts,
    is_number,
)
from llamapack.errors import InputError

if TYPE_CHECKING:
    from llamapack.model.vocab import Vocab

MAX_HISTORY = 2**24  # tokens that penalties look back at; each costs 4 bytes
BREAKERS = ("\n", ":", '"', "*")


@dataclass(frozen=True)
class BuildArgs:
    """What stages need to make their native samplers."""

    native: api.Native
    vocab: Vocab | None
    seed: int
    kept: list[object] = field(default_factory=list)  # Python objects that native stages call

    @property
    def n_vocab(self) -> int:
        """The size of the vocabulary; 0 without one."""
        return 0 if self.vocab is None else len(self.vocab)


@dataclass(frozen=True)
class Stage:
    """One stage of a chain."""

    needs_vocab: ClassVar[bool] = False
    chooses: ClassVar[bool] = False
    reads_prompt: ClassVar[bool] = False

    def build(self, args: BuildArgs) -> api.llama_sampler_p:
        """For this package: make the native sampler, which the caller owns."""
        return self._build(args)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        raise NotImplementedError


@dataclass(frozen=True)
class RandomStage(Stage):
    """A stage that draws random numbers; without a seed of its own it uses the chain's."""

    _: KW_ONLY
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the seed."""
        check_seed(self.seed)

    def seed_from(self, args: BuildArgs) -> int:
        """For this package: return the seed that is used in the chain of `args`."""
        return args.seed if self.seed is None else self.seed


@dataclass(frozen=True)
class Greedy(Stage):
    """Choose the likeliest candidate; of several, the first."""

    chooses: ClassVar[bool] = True

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_greedy()


@dataclass(frozen=True)
class Dist(RandomStage):
    """Choose a candidate at random, each with its probability."""

    chooses: ClassVar[bool] = True

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_dist(self.seed_from(args))


@dataclass(frozen=True)
class TopK(Stage):
    """Keep the `k` likeliest candidates; 0 keeps all."""

    k: int

    def __post_init__(self) -> None:
        """Check the range."""
        check_int("top_k", self.k, 0, note=" (all tokens)")

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_top_k(self.k)


@dataclass(frozen=True)
class TopP(Stage):
    """Keep the likeliest candidates that together reach `p`, and at least `min_keep`; 1 keeps all."""

    p: float
    min_keep: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        check_number("top_p", self.p, 0, 1)
        check_int("min_keep", self.min_keep, 0)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_top_p(self.p, self.min_keep)


@dataclass(frozen=True)
class MinP(Stage):
    """Keep candidates at least `p` times as likely as the likeliest one, and at least `min_keep`; 0 keeps all."""

    p: float
    min_keep: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        check_number("min_p", self.p, 0, 1)
        check_int("min_keep", self.min_keep, 0)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_min_p(self.p, self.min_keep)


@dataclass(frozen=True)
class Typical(Stage):
    """Keep candidates whose surprise is nearest to the expected one, until together they exceed `p`; 1 keeps all.

    From "Locally Typical Sampling" (Meister et al., 2022).
    """

    p: float
    min_keep: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        check_number("typical_p", self.p, 0, 1)
        check_int("min_keep", self.min_keep, 0)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_typical(self.p, self.min_keep)


@dataclass(frozen=True)
class TopNSigma(Stage):
    """Rule out logits more than `n` standard deviations below the highest; 0 keeps all.

    From "Top-n-sigma: Not All Logits Are You Need" (Tang et al., 2024).
    """

    n: float

    def __post_init__(self) -> None:
        """Check the range."""
        check_number("top_n_sigma", self.n, 0, 1e6)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_top_n_sigma(self.n)


@dataclass(frozen=True)
class Temperature(Stage):
    """Divide all logits by the temperature; 0 rules out all candidates but the likeliest."""

    temperature: float

    def __post_init__(self) -> None:
        """Check the range."""
        check_temperature("temperature", self.temperature)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_temp(self.temperature)


@dataclass(frozen=True)
class DynamicTemperature(Stage):
    """Divide all logits by a temperature that depends on their entropy.

    It ranges from `temperature - spread` (not below 0) for the lowest entropy to `temperature + spread` for the
    highest, at the fraction `(entropy / highest possible entropy) ** exponent` between them.
    """

    temperature: float
    spread: float
    exponent: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_temperature("temperature", self.temperature)
        check_number("dynatemp_range", self.spread, 0, 1e6)
        check_number("dynatemp_exponent", self.exponent, 0, 100)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_temp_ext(self.temperature, self.spread, self.exponent)


@dataclass(frozen=True)
class Xtc(RandomStage):
    """With `probability`, remove all candidates of at least `threshold` except the least likely of them.

    "Exclude top choices". Nothing happens if fewer than `min_keep` would be left; a threshold above 0.5 turns it off.
    """

    probability: float
    threshold: float = 0.1
    min_keep: int = 1

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_number("xtc_probability", self.probability, 0, 1)
        check_number("xtc_threshold", self.threshold, 0, 1)
        check_int("min_keep", self.min_keep, 0)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_xtc(self.probability, self.threshold, self.min_keep, self.seed_from(args))


@dataclass(frozen=True)
class Mirostat(RandomStage):
    """Choose so that the surprise stays near `tau` bits, with the learning rate `eta` and `m` tokens for an estimate.

    From "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity" (Basu et al., 2021).
    """

    needs_vocab: ClassVar[bool] = True
    chooses: ClassVar[bool] = True
    tau: float = 5.0
    eta: float = 0.1
    m: int = 100

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_number("mirostat_tau", self.tau, 0, 1000)
        check_number("mirostat_eta", self.eta, 0, 1)
        check_int("m", self.m, 2)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_mirostat(args.n_vocab, self.seed_from(args), self.tau, self.eta, self.m)


@dataclass(frozen=True)
class MirostatV2(RandomStage):
    """Choose among the candidates whose surprise is at most mu, and move mu so that it stays near `tau` bits."""

    chooses: ClassVar[bool] = True
    tau: float = 5.0
    eta: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_number("mirostat_tau", self.tau, 0, 1000)
        check_number("mirostat_eta", self.eta, 0, 1)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_mirostat_v2(self.seed_from(args), self.tau, self.eta)


@dataclass(frozen=True)
class AdaptiveP(RandomStage):
    """Choose candidates with a probability near `target`, corrected by the average of those chosen before.

    `decay` is how long the average remembers, about `1 / (1 - decay)` tokens. A copy begins its random numbers anew.
    """

    chooses: ClassVar[bool] = True
    target: float
    decay: float = 0.9

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_number("adaptive_target", self.target, 0, 1)
        check_number("adaptive_decay", self.decay, 0, 0.99)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_adaptive_p(self.target, self.decay, self.seed_from(args))


@dataclass(frozen=True)
class Penalties(Stage):
    """Make tokens less likely that are among the `last_n` before.

    Their logits are divided by `repeat` (multiplied if below 0), and lowered by `frequency` for each occurrence and by
    `presence` once. Put it before stages that remove candidates.
    """

    reads_prompt: ClassVar[bool] = True
    last_n: int = 64
    repeat: float = 1.0
    frequency: float = 0.0
    presence: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_int("repeat_last_n", self.last_n, 0, MAX_HISTORY)
        check_number("repeat_penalty", self.repeat, 0.01, 100)
        check_number("frequency_penalty", self.frequency, -1000, 1000)
        check_number("presence_penalty", self.presence, -1000, 1000)

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        return args.native.llama_sampler_init_penalties(
            args.n_vocab, self.last_n, self.repeat, self.frequency, self.presence
        )


@dataclass(frozen=True)
class Dry(Stage):
    """Make a token less likely that would continue a repetition of earlier text.

    If it would continue a repetition of n tokens, its logit is lowered by `multiplier * base ** (n - allowed_length)`,
    once n reaches `allowed_length`. The text is searched `last_n` tokens back, but not past one of the `breakers`.
    """

    needs_vocab: ClassVar[bool] = True
    reads_prompt: ClassVar[bool] = True
    multiplier: float
    base: float = 1.75
    allowed_length: int = 2
    last_n: int = 64
    breakers: tuple[str, ...] = BREAKERS

    def __post_init__(self) -> None:
        """Check the ranges, and that each breaker is a text that can be searched for."""
        object.__setattr__(self, "breakers", check_texts("dry_sequence_breakers", self.breakers))
        check_number("dry_multiplier", self.multiplier, 0, 1000)
        check_number("dry_base", self.base, 1, 100)
        check_int("dry_allowed_length", self.allowed_length, 0)
        check_int("dry_penalty_last_n", self.last_n, 0, MAX_HISTORY)
        for breaker in self.breakers:
            if not breaker or "\0" in breaker or len(breaker.encode()) > 40:
                raise InputError(f"A DRY sequence breaker must have 1 to 40 bytes and no NUL, not {breaker!r}.")

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        assert args.vocab is not None
        texts = (ctypes.c_char_p * len(self.breakers))(*(text.encode() for text in self.breakers))
        return args.vocab.call(
            args.native.llama_sampler_init_dry,
            *(self.multiplier, self.base, self.allowed_length, self.last_n, texts, len(texts)),
        )


@dataclass(frozen=True)
class LogitBias(Stage):
    """Add a number to the logits of some tokens; `-inf` rules a token out."""

    biases: Mapping[int, float] = field(hash=False)

    def __post_init__(self) -> None:
        """Check tokens and numbers."""
        object.__setattr__(self, "biases", dict(check_mapping("logit_bias", self.biases)))
        for token, bias in self.biases.items():
            check_int("A token of logit_bias", token, 0)
            if not (is_number(bias) and abs(bias) <= 1e6) and bias != -math.inf:
                raise InputError(f"The bias of token {token} must be between -1e+06 and 1e+06, or -inf, not {bias!r}.")

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        if args.vocab is not None:
            for token in self.biases:
                args.vocab.check_token(token)
        biases = (api.llama_logit_bias * len(self.biases))()
        for entry, (token, bias) in zip(biases, self.biases.items(), strict=True):
            entry.token, entry.bias = token, bias
        return args.native.llama_sampler_init_logit_bias(args.n_vocab, len(biases), biases)


@dataclass(frozen=True)
class Infill(Stage):
    """For fill-in-the-middle: end the text rather than guess, and merge candidates with a common prefix.

    Put TopK before it.
    """

    needs_vocab: ClassVar[bool] = True

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        assert args.vocab is not None
        if args.vocab.eot is None and args.vocab.eos is None:
            raise InputError("Infill needs an end token, and this vocabulary has none.")
        return args.vocab.call(args.native.llama_sampler_init_infill)
