"""What each sampler does, written from its definition in plain numpy; slow, and without any state but what is passed.

A distribution is an array of logits for tokens 0, 1, 2 ...; a token that cannot come has -inf. Sources: top-k (Fan et
al. 2018), nucleus (Holtzman et al. 2020), min-p (Nguyen et al. 2024), locally typical (Meister et al. 2022),
top-n-sigma (Tang et al. 2024), mirostat (Basu et al. 2021), the repetition penalty of CTRL (Keskar et al. 2019, with
multiplication below 0), OpenAI's frequency and presence penalties; DRY, XTC, dynamic temperature, adaptive-p and infill
as llama.h and their authors describe them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]


def probabilities(logits: Logits) -> Logits:
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum())


def _only(logits: Logits, kept: Sequence[int] | NDArray[np.intp]) -> Logits:
    result = np.full_like(logits, -np.inf)
    result[kept] = logits[kept]
    return result


def _possible(logits: Logits) -> NDArray[np.intp]:
    """Return the tokens that are possible, the likeliest first."""
    order = np.argsort(-logits, kind="stable")
    return order[np.isfinite(logits[order])]


def top_k(logits: Logits, k: int) -> Logits:
    return _only(logits, _possible(logits)[:k]) if k else logits


def top_p(logits: Logits, p: float, min_keep: int = 1) -> Logits:
    order = _possible(logits)
    reached = np.cumsum(probabilities(logits)[order])
    count = int((reached < p).sum()) + 1  # the token with which the sum reaches p is included
    return _only(logits, order[: max(count, min_keep)])


def min_p(logits: Logits, p: float, min_keep: int = 1) -> Logits:
    chances = probabilities(logits)
    order = _possible(logits)
    count = int((chances[order] >= p * chances.max()).sum())
    return _only(logits, order[: max(count, min_keep)])


def typical(logits: Logits, p: float, min_keep: int = 1) -> Logits:
    order = _possible(logits)
    chances = probabilities(logits)[order]
    surprise = -np.log(chances)
    entropy = (chances * surprise).sum()
    nearest = np.argsort(np.abs(surprise - entropy), kind="stable")
    count = int((np.cumsum(chances[nearest]) <= p).sum()) + 1
    return _only(logits, order[nearest[: max(count, min_keep)]])


def top_n_sigma(logits: Logits, n: float) -> Logits:
    finite = logits[np.isfinite(logits)]
    return np.where(logits >= finite.max() - n * finite.std(), logits, -np.inf)


def temperature(logits: Logits, t: float) -> Logits:
    return logits / t if t else top_k(logits, 1)


def dynamic_temperature(logits: Logits, t: float, spread: float, exponent: float) -> Logits:
    chances = probabilities(logits)
    seen = chances[chances > 0]
    part = -(seen * np.log(seen)).sum() / np.log(np.isfinite(logits).sum())
    low, high = max(0.0, t - spread), t + spread
    return np.asarray(logits / (low + (high - low) * part**exponent))


def xtc(logits: Logits, threshold: float, min_keep: int = 1) -> Logits:
    """Return the logits for the case that the random number makes XTC remove the top choices."""
    order = _possible(logits)
    top = int((probabilities(logits)[order] >= threshold).sum())
    if threshold > 0.5 or top < 2 or len(order) - (top - 1) < min_keep:
        return logits
    return _only(logits, order[top - 1 :])


def penalties(
    logits: Logits, history: Sequence[int], last_n: int, repeat: float, frequency: float, presence: float
) -> Logits:
    result = logits.copy()
    seen = list(history)[-last_n:] if last_n else []
    for token in set(seen):
        result[token] = result[token] * repeat if result[token] <= 0 else result[token] / repeat
        result[token] -= seen.count(token) * frequency + presence
    return result


@dataclass(frozen=True, kw_only=True)
class DrySettings:
    multiplier: float
    base: float
    allowed_length: int
    last_n: int
    breakers: frozenset[int] = frozenset()


def dry(logits: Logits, history: Sequence[int], settings: DrySettings) -> Logits:
    """Lower each token by the length of the text's end that also precedes an earlier occurrence of the token."""
    text = list(history)[-settings.last_n :]
    since_break = next((i for i, token in enumerate(reversed(text)) if token in settings.breakers), len(text))
    result = logits.copy()
    for token in set(text) - settings.breakers:
        longest = 0
        for place in (i for i, each in enumerate(text) if each == token and i > 0):
            length = 0
            while length < min(place, since_break) and text[place - 1 - length] == text[-1 - length]:
                length += 1
            longest = max(longest, length)
        if longest >= settings.allowed_length:
            result[token] -= settings.multiplier * settings.base ** (longest - settings.allowed_length)
    return result


def logit_bias(logits: Logits, biases: Mapping[int, float]) -> Logits:
    result = logits.copy()
    for token, bias in biases.items():
        result[token] += bias
    return result


def mirostat_kept(logits: Logits, mu: float, m: int, n_vocab: int) -> Logits:
    """Mirostat 1: estimate the exponent of Zipf's law from the top m, and from it how many tokens to keep.

    llama.cpp rounds the number down, and to at least 1.
    """
    order = _possible(logits)
    chances = probabilities(logits)[order][:m]
    ranks = np.arange(1, len(chances))
    t = np.log((ranks + 1) / ranks)
    b = np.log(chances[:-1] / chances[1:])
    s = (t * b).sum() / (t * t).sum()
    epsilon = s - 1
    k = (epsilon * 2**mu / (1 - n_vocab**-epsilon)) ** (1 / s)
    return _only(logits, order[: max(int(k), 1)])


def mirostat_v2_kept(logits: Logits, mu: float) -> Logits:
    order = _possible(logits)
    surprise = -np.log2(probabilities(logits)[order])
    return _only(logits, order[: max(int((surprise <= mu).sum()), 1)])


def mirostat_learned(mu: float, kept: Logits, chosen: int, tau: float, eta: float) -> float:
    """Return the next mu. llama.cpp uses the surprise among the tokens that were kept."""
    return float(mu - eta * (-np.log2(probabilities(kept)[chosen]) - tau))


@dataclass(frozen=True, kw_only=True)
class Average:
    """The exponential average of adaptive-p, as a sum and its weight; it begins as if only the target had been seen."""

    total: float
    weight: float
    decay: float

    @classmethod
    def begin(cls, target: float, decay: float) -> Average:
        return cls(total=target / (1 - decay), weight=1 / (1 - decay), decay=decay)

    def after(self, probability: float) -> Average:
        return replace(self, total=probability + self.decay * self.total, weight=1 + self.decay * self.weight)


def adaptive_p(logits: Logits, target: float, average: Average) -> Logits:
    wanted = np.clip(2 * target - average.total / average.weight, 0, 1)
    distance = np.abs(probabilities(logits) - wanted) / 0.3
    return np.where(np.isfinite(logits), 5 - 10 * distance**2 / (1 + distance), -np.inf)


def infill(logits: Logits, ends: frozenset[int], piece: Callable[[int], bytes]) -> Logits:
    """End the text rather than guess; else merge tokens with a common prefix, and keep those above 0.2 and the mean."""
    order = _possible(logits)
    chances = dict(zip(order.tolist(), probabilities(logits)[order].tolist(), strict=True))
    end = sum(chance for token, chance in chances.items() if token in ends)
    if 3 * end * len(chances) > 1 - end:
        return _only(logits, [token for token in chances if token in ends])
    for one in chances:
        for other in chances:
            if one != other and chances[one] and chances[other] and piece(one) and piece(other).startswith(piece(one)):
                keeps, goes = (other, one) if chances[other] > chances[one] else (one, other)
                chances[keeps] += chances[goes]
                chances[goes] = 0
    kept = {token: chance for token, chance in chances.items() if token in ends or chance >= 0.2}
    texts = sum(token not in ends for token in kept)
    total = sum(kept.values())
    left = [token for token, chance in kept.items() if token in ends or chance / total >= 1 / (texts + 1)]
    return _only(logits, [token for token in left if chances[token]])
