"""The usual sampling parameters, and the chain that llama.cpp makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from llamapack._util.arguments import check_int, check_mapping, check_seed, check_sequence
from llamapack.errors import InputError
from llamapack.sampling.stages import (
    BREAKERS,
    AdaptiveP,
    Dist,
    Dry,
    DynamicTemperature,
    Greedy,
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

if TYPE_CHECKING:
    from llamapack.sampling.grammar import Grammar, OnUnenforced


class SamplingOptions(TypedDict, total=False):
    """SamplingParameters as keyword arguments."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    typical_p: float
    top_n_sigma: float
    min_keep: int
    dynatemp_range: float
    dynatemp_exponent: float
    xtc_probability: float
    xtc_threshold: float
    repeat_penalty: float
    frequency_penalty: float
    presence_penalty: float
    repeat_last_n: int
    dry_multiplier: float
    dry_base: float
    dry_allowed_length: int
    dry_penalty_last_n: int
    dry_sequence_breakers: Sequence[str] | None
    mirostat: int
    mirostat_tau: float
    mirostat_eta: float
    adaptive_target: float | None
    adaptive_decay: float
    logit_bias: Mapping[int, float] | None
    grammar: Grammar | str | None
    json_schema: Mapping[str, Any] | str | bool | None
    on_unenforced: OnUnenforced
    seed: int | None


@dataclass(frozen=True, kw_only=True)
class SamplingParameters:
    """The parameters of a Sampler, with upstream's names and defaults; each group's stage describes them.

    A `temperature` of 0 always takes the likeliest token. `mirostat` (1 or 2) and `adaptive_target` choose in their own
    way; mirostat also replaces the stages from `top_n_sigma` to `xtc`. `grammar` is GBNF text or a Grammar;
    `json_schema` is converted to one. `on_unenforced` is what happens if the schema has keywords that a grammar cannot
    express: "warn" (SchemaWarning), "error" or "ignore". The same `seed` gives the same choices; None takes a random
    one.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    min_keep: int = 1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = 64
    dry_sequence_breakers: Sequence[str] | None = BREAKERS
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    adaptive_target: float | None = None
    adaptive_decay: float = 0.9
    logit_bias: Mapping[int, float] | None = None
    grammar: Grammar | str | None = None
    json_schema: Mapping[str, Any] | str | bool | None = None
    on_unenforced: OnUnenforced = "warn"
    seed: int | None = None

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages in upstream's order, without those that would have no effect.

        Raises InputError for a number out of range, also for a stage without effect.
        """
        check_seed(self.seed)
        check_int("mirostat", self.mirostat, 0, 2)
        likeliest = self._warmth() == Temperature(0)
        shaping, choosing = tuple(self._shaping()), tuple(self._choosing())
        if likeliest and not any(isinstance(stage, (Typical, Xtc)) for stage in shaping):
            shaping = ()  # these stages never remove the likeliest token
        return (*self._constraints(), *self._penalties(), *shaping, *((Greedy(),) if likeliest else choosing))

    def _warmth(self) -> Stage:
        dynamic = DynamicTemperature(self.temperature, self.dynatemp_range, self.dynatemp_exponent)
        return dynamic if self.dynatemp_range else Temperature(self.temperature)

    def _constraints(self) -> Iterator[Stage]:
        if self.grammar is not None or self.json_schema is not None:
            yield self._grammar()
        if self.logit_bias is not None and check_mapping("logit_bias", self.logit_bias):
            yield LogitBias(self.logit_bias)

    def _grammar(self) -> Stage:
        from llamapack.sampling.grammar import Grammar

        if self.grammar is not None and self.json_schema is not None:
            raise InputError("grammar and json_schema cannot be given together.", fix="Give one of them.")
        if self.grammar is None:
            assert self.json_schema is not None
            return Grammar.from_json_schema(self.json_schema, on_unenforced=self.on_unenforced)
        return Grammar(self.grammar) if isinstance(self.grammar, str) else self.grammar

    def _penalties(self) -> Iterator[Stage]:
        penalties = Penalties(self.repeat_last_n, self.repeat_penalty, self.frequency_penalty, self.presence_penalty)
        if penalties != Penalties(self.repeat_last_n):
            yield penalties
        dry = Dry(
            self.dry_multiplier,
            self.dry_base,
            self.dry_allowed_length,
            self.dry_penalty_last_n,
            check_sequence("dry_sequence_breakers", self.dry_sequence_breakers),
        )
        if dry.multiplier:
            yield dry

    def _shaping(self) -> Iterator[Stage]:
        """Yield the stages that remove candidates."""
        stages: tuple[tuple[Stage, bool], ...] = (
            (TopNSigma(self.top_n_sigma), self.top_n_sigma > 0),
            (TopK(self.top_k), self.top_k > 0),
            (Typical(self.typical_p, self.min_keep), self.typical_p < 1),
            (TopP(self.top_p, self.min_keep), self.top_p < 1),
            (MinP(self.min_p, self.min_keep), self.min_p > 0),
            (Xtc(self.xtc_probability, self.xtc_threshold, self.min_keep), self.xtc_probability > 0),
        )
        if not self.mirostat:
            yield from (stage for stage, wanted in stages if wanted)

    def _choosing(self) -> Iterator[Stage]:
        mirostats = (Mirostat(self.mirostat_tau, self.mirostat_eta), MirostatV2(self.mirostat_tau, self.mirostat_eta))
        adaptive = AdaptiveP(0 if self.adaptive_target is None else self.adaptive_target, self.adaptive_decay)
        if self._warmth() != Temperature(1):
            yield self._warmth()
        if self.mirostat:
            yield mirostats[self.mirostat - 1]
        else:
            yield Dist() if self.adaptive_target is None else adaptive
