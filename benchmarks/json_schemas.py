"""Compare our compiler of JSON schemas with llama.cpp's: python -m benchmarks.json_schemas --model MODEL.

The schemas are in json_schemas.json, most of them as pydantic 2.14 writes them. Texts that a grammar allows are found
by random walks through it, and jsonschema checks whether they are valid. A page in docs/decisions has the numbers.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from llamapack import Model, Sampler, Vocab, generate
from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack.chat import ChatTemplate
from llamapack.errors import GrammarError, LlamapackError, SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Dist, Greedy, Temperature

from benchmarks.options import at_least_one

SCHEMAS = Path(__file__).with_suffix(".json")
LONGEST = 3000  # bytes after which an answer is given up
# A template whose tool calls are JSON: llama.cpp makes a grammar of the schema of a tool's arguments.
TEMPLATE = """{%- for message in messages -%}<|im_start|>{{ message.role }}
{{ message.content or '' }}{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{%- endfor %}<|im_end|>
{% endfor -%}{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""


@dataclass(kw_only=True)
class Tally:
    """The results of one compiler."""

    taken: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    letters: int = 0
    seconds: float = 0.0
    ended: int = 0
    invalid: dict[str, list[str]] = field(default_factory=dict)
    apply_seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def ours(schema: Any) -> Grammar:
    """Compile a schema with llamapack."""
    return Grammar.from_json_schema(schema, on_unenforced="ignore")


class Upstream:
    """llama.cpp's compiler, called through its chat templates."""

    def __init__(self, model: Model) -> None:
        """Compile the template."""
        self._template = ChatTemplate(model, TEMPLATE)

    def __call__(self, schema: Any) -> Grammar:
        """Compile a schema as that of a tool's arguments; inside anyOf, it gets a rule with a known name."""
        inner = {key: value for key, value in schema.items() if key != "$defs"}
        function = {
            "name": "f",
            "description": "",
            "parameters": {"$defs": schema.get("$defs", {}), "anyOf": [inner]},
        }
        request = {
            "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": "function", "function": function}],
            "tool_choice": "required",
        }
        out, message = api.char_p(), api.char_p()
        with self._template.using() as pointer:
            status = native().llamapack_chat_apply(
                pointer, json.dumps(request).encode(), ctypes.byref(out), ctypes.byref(message)
            )
        why = take_text(message)
        if status:
            raise GrammarError(why)
        grammar = Grammar(_from_root(json.loads(take_text(out))["grammar"], "tool-f-schema"))
        grammar.check()
        return grammar


def _from_root(grammar: str, root: str) -> str:
    """Return the rules that the rule `root` needs, with it as the grammar's root."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    needed = {"root": rules[root]}
    names = [*_names(rules[root])]
    for name in names:
        if name in rules and name not in needed:
            needed[name] = rules[name]
            names += _names(rules[name])
    return "".join(f"{name} ::= {body}\n" for name, body in needed.items())


def _names(body: str) -> list[str]:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', " ", body)
    return re.findall(r"[A-Za-z][A-Za-z0-9-]*", bare)


def answers(grammar: Grammar, vocab: Vocab, tokens: Sequence[int], seeds: range, tally: Tally) -> Iterator[str]:
    """Walk randomly through a grammar, one character per token, and yield the texts that reach an end."""
    assert vocab.eos is not None
    every = [*tokens, vocab.eos]
    liking = np.array([3.0 if vocab.piece(token) in (b'"', b"}", b"]", b",") else 0.0 for token in tokens] + [5.0])
    with Sampler.chain([grammar, Greedy()], vocab=vocab) as sampler:
        began = time.perf_counter()
        sampler.apply(np.zeros(len(vocab)))
        tally.apply_seconds.append(time.perf_counter() - began)
        for seed in seeds:
            random = np.random.default_rng(seed)
            sampler.reset()
            text = b""
            while len(text) < LONGEST:
                token = sampler.apply(liking + random.gumbel(size=len(every)), every).selected
                assert token is not None
                sampler.accept(token)
                if token == vocab.eos:
                    tally.ended += 1
                    yield text.decode("utf-8", "replace")
                    break
                text += vocab.piece(token)


def generated(grammar: Grammar, model: Model, length: int, tally: Tally) -> Iterator[str]:
    """Let the model answer, and yield the answer if it reaches an end."""
    with Sampler.chain([grammar, Temperature(0.8), Dist()], vocab=model.vocab, seed=1) as sampler:
        prompt = [{"role": "user", "content": "Make up an example, in JSON."}]
        answer = generate(model, prompt, sampler=sampler, max_tokens=length, n_ctx=512, n_threads=1)
        text = "".join(answer)
        tally.rates.append(answer.timing.generated_rate)
        if answer.finish_reason == "stop":
            tally.ended += 1
            yield text


def valid(text: str, schema: Any) -> bool:
    """Return True if a text is JSON that the schema allows; `format` is ignored."""
    try:
        jsonschema.validate(json.loads(text), schema)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def compare(model: Model, seeds: range, length: int | None) -> dict[str, Tally]:
    """Run all schemas through both compilers; with `length`, a model writes the answers, of at most so many tokens."""
    vocab = model.vocab
    tokens = [token for token in range(1000) if len(vocab.piece(token)) == 1 and vocab.piece(token) < b"\x80"]
    tokens += [found[0] for letter in "äößü名前世" if len(found := vocab.tokenize(letter, add_special=False)) == 1]
    compilers: dict[str, Callable[[Any], Grammar]] = {"llamapack": ours, "llama.cpp": Upstream(model)}
    tallies = {name: Tally() for name in compilers}
    for title, schema in json.loads(SCHEMAS.read_text(encoding="utf-8")).items():
        for name, compile_schema in compilers.items():
            tally = tallies[name]
            began = time.perf_counter()
            try:
                grammar = compile_schema(schema)
            except LlamapackError as error:
                tally.refused[title] = str(error)
                continue
            tally.seconds += time.perf_counter() - began
            tally.taken += 1
            tally.letters += len(grammar.text)
            try:
                texts = (
                    answers(grammar, vocab, tokens, seeds, tally)
                    if length is None
                    else generated(grammar, model, length, tally)
                )
                wrong = [text for text in texts if not valid(text, schema)]
            except SamplingError as error:
                tally.refused[title] = f"while sampling: {error}"
                continue
            if wrong:
                named = grammar.unenforced if name == "llamapack" else ()
                tally.invalid[f"{title} {list(named)}"] = wrong
    return tallies


def main() -> None:
    """Print the results of both compilers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--seeds", type=at_least_one, default=4, help="walks through each grammar")
    parser.add_argument("--tokens", type=at_least_one, help="let the model write, in so many tokens at most")
    options = parser.parse_args()
    with Model(options.model, vocab_only=options.tokens is None) as model:
        for name, tally in compare(model, range(options.seeds), options.tokens).items():
            wrong = sum(map(len, tally.invalid.values()))
            print(f"{name}: {tally.taken} taken, {len(tally.refused)} refused; {tally.ended} answers, {wrong} invalid")
            print(f"  {tally.letters} letters of grammar, {tally.seconds * 1000:.0f} ms to make them")
            if tally.apply_seconds:
                print(f"  a choice among all tokens {np.median(tally.apply_seconds) * 1000:.1f} ms at the median")
            if tally.rates:
                print(f"  {np.median(tally.rates):.0f} tokens/s at the median")
            for title, reason in tally.refused.items():
                print(f"  refused: {title}: {' '.join(reason.split())[:160]}")
            for title, texts in tally.invalid.items():
                print(f"  invalid: {title}: {len(texts)}, such as {texts[0][:80]}")


if __name__ == "__main__":
    main()
