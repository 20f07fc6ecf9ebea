"""What `Llama` and `Llama.aio` share: the engine, what is known of it, and the plans of all calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from llamapack.errors import InputError, TaskError
from llamapack.llama.plans import completing, scoring, vectors
from llamapack.llama.plans.conversation import Question, converse
from llamapack.llama.plans.facts import Facts
from llamapack.llama.plans.interface import EngineInterface
from llamapack.llama.plans.media import MediaReader, media_in
from llamapack.llama.plans.messages import Attached, Message, Prompt, to_messages
from llamapack.llama.plans.options import AskOptions, CompletionOptions, OnOverflow, check, to_body
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.scoring import Score
from llamapack.llama.plans.steps import Plan
from llamapack.llama.plans.vectors import Ranked
from llamapack.llama.projectors import Chosen
from llamapack.llama.tasks import Recognised, Task, check_task
from llamapack.sampling.grammar import tell_unenforced
from llamapack.typed.returns import Returns, returns_of
from llamapack.typed.tools import Toolbox, check_tool_choice


@dataclass(frozen=True, kw_only=True)
class Core:
    """An engine with one model, and how calls use it."""

    engine: EngineInterface
    facts: Facts
    recognised: Recognised
    on_overflow: OnOverflow
    projector: Chosen = field(default_factory=lambda: Chosen(path=None, reason="none was looked for"))
    reader: MediaReader = field(default_factory=MediaReader)

    def need(self, call: str, task: Task) -> None:
        """Raise TaskError if the model cannot do what a call needs."""
        check_task(call, task, self.recognised, self.facts.name)

    def question(
        self,
        function: str,
        prompt: Prompt,
        returns: Any,
        options: Mapping[str, Any],
        *,
        streamed: bool = False,
        before: Sequence[Message] = (),
    ) -> Question:
        """Return what a call asks; raises InputError before anything runs. `before` are messages of a conversation."""
        messages = self.messages(prompt, options, system=None if before else options.get("system"))
        return self.asked(function, (*before, *messages), returns, options, streamed=streamed)

    def messages(self, prompt: Prompt, options: Mapping[str, Any], system: str | None = None) -> list[Message]:
        """Return the messages of a prompt, with the images and audio of `images` and `audio` in them."""
        attached = Attached.of(options.get("images"), options.get("audio"))
        messages = to_messages(prompt, system, attached, self.reader)
        self.need_projector(media_in(messages))
        return messages

    def asked(
        self,
        function: str,
        messages: Sequence[Message],
        returns: Any,
        options: Mapping[str, Any],
        *,
        streamed: bool = False,
    ) -> Question:
        """Return what a call asks with messages that `messages` made; raises InputError before anything runs."""
        asked = self._asked(function, returns, options)
        return replace(asked, messages=tuple(messages), streamed=streamed, reader=self.reader)

    def need_projector(self, parts: Iterable[Message]) -> None:
        """Raise TaskError if the model does not take the images and audio."""
        takes = {"image_url": self.facts.vision, "input_audio": self.facts.audio}
        for part in parts:
            if takes[part["type"]]:
                continue
            what = "images" if part["type"] == "image_url" else "audio"
            if any(takes.values()):
                why = f"Its projector, {self.projector.path}, takes none."
                raise TaskError(f"{self.facts.name} takes no {what}.", why=why)
            raise TaskError(
                f"{self.facts.name} was loaded without a projector, and takes no {what}.",
                why=f"None is used, because: {self.projector.reason}.",
                fix='Use Llama(..., projector="FILE") with the file that belongs to the model; '
                "its name usually has mmproj in it.",
            )

    def plans(self, function: str, returns: Any, options: Mapping[str, Any]) -> Callable[[Prompt], Plan[Reply[Any]]]:
        """Return what makes the plan of each of many prompts; raises now what is wrong but for the prompts."""
        asked, system = self._asked(function, returns, options), options.get("system")
        to_messages("", system)
        rows = {name: rows_of(name, options[name]) for name in ("images", "audio") if options.get(name) is not None}

        def plan(prompt: Prompt) -> Plan[Reply[Any]]:
            attached = {name: next(row) for name, row in rows.items()}
            messages = self.messages(prompt, attached, system)
            return converse(replace(asked, messages=tuple(messages), reader=self.reader))

        return plan

    def _asked(self, function: str, returns: Any, options: Mapping[str, Any]) -> Question:
        """Return what a call asks, without its messages: making a grammar of a type or a schema takes time."""
        self.need(function, "generate")
        check(function, options, AskOptions)
        wanted = returns_of(returns) if returns is not None else None
        _check_one_form(wanted, options)
        if wanted and options.get("on_unenforced") is not None:
            tell_unenforced(wanted.unenforced, options["on_unenforced"])
        toolbox = self._toolbox(options)
        return Question(
            messages=(),
            body=to_body(options, self.facts, chat=True),
            context=self.facts.context,
            returns=wanted,
            toolbox=toolbox,
            tool_choice=check_tool_choice(options.get("tool_choice", "auto"), toolbox.tools if toolbox else ()),
            max_turns=options.get("max_turns", 8),
            on_overflow=self.on_overflow,
            thinks=self.facts.template_thinks,
        )

    def complete(self, prompt: str, options: Mapping[str, Any], *, streamed: bool = False) -> Plan[Reply[str]]:
        """Return the plan of `complete`."""
        self.need("complete", "generate")
        check("complete", options, CompletionOptions)
        if not isinstance(prompt, str):
            raise InputError(f"The prompt must be a str, not {prompt!r}.", fix="For messages, call the object itself.")
        body = to_body(options, self.facts, chat=False)
        attached = Attached.of(options.get("images"), options.get("audio"))
        if not attached:
            body["prompt"] = prompt
            return completing.complete("/completion", body, self.facts.context, self.on_overflow, streamed=streamed)
        parts = attached.parts(self.reader)
        self.need_projector(parts)
        filled = completing.with_media(prompt, parts, self.facts.media_mark, self.reader)
        return completing.complete_with_media(filled, body, self.facts.context, self.on_overflow, streamed=streamed)

    def infill(self, prefix: str, suffix: str, options: Mapping[str, Any]) -> Plan[Reply[str]]:
        """Return the plan of `infill`."""
        self.need("infill", "generate")
        check("infill", options, CompletionOptions)
        if Attached.of(options.get("images"), options.get("audio")):
            raise InputError("infill takes no images and audio.")
        for name, text in (("prefix", prefix), ("suffix", suffix)):
            if not isinstance(text, str):
                raise InputError(f"The {name} must be a str, not {text!r}.")
        fields = {"input_prefix": prefix, "input_suffix": suffix}
        body = {**to_body(options, self.facts, chat=False), **fields}
        return completing.complete("/infill", body, self.facts.context, self.on_overflow, streamed=False)

    def embed(self, texts: Sequence[str], *, normalize: bool) -> Plan[npt.NDArray[np.float32]]:
        """Return the plan of `embed`."""
        self.need("embed", "embed")
        return vectors.embed(texts, normalize=normalize)

    def rank(self, query: str, documents: Sequence[str], top: int | None) -> Plan[list[Ranked]]:
        """Return the plan of `rank`."""
        self.need("rank", "rank")
        return vectors.rank(query, documents, top)

    def score(
        self,
        prompt: Prompt,
        answers: Sequence[str],
        *,
        chat: bool,
        system: str | None,
        lora: Mapping[str, float] | None,
    ) -> Plan[list[Score]]:
        """Return the plan of `score`."""
        self.need("score", "generate")
        check("score", {"lora": lora}, CompletionOptions)
        body = to_body({"lora": lora}, self.facts, chat=False)
        if chat:
            messages = to_messages(prompt, system, reader=self.reader)
            if any(media_in(messages)):
                raise InputError("score takes no images and audio.")
            return scoring.score_chat(messages, answers, body, vocabulary=self.facts.vocabulary)
        if not isinstance(prompt, str) or system is not None:
            raise InputError("With chat=False the prompt must be a str, and there is no `system`.")
        return scoring.score_text(prompt, answers, body, vocabulary=self.facts.vocabulary)

    def strengths(self, body: Mapping[str, Any]) -> dict[str, float]:
        """Return the strengths of LoRA adapters in a request, by their names."""
        names = {adapter.number: name for name, adapter in self.facts.adapters.items()}
        return {names[each["id"]]: each["scale"] for each in body.get("lora", ())}

    def _toolbox(self, options: Mapping[str, Any]) -> Toolbox | None:
        if not options.get("tools"):
            return None
        if not self.facts.template_tools:
            raise TaskError(
                f"The chat template of {self.facts.name} has no place for tools.",
                why="The model would not learn of them.",
                fix="Use a model that was trained to call tools, such as Qwen3, or give another template: "
                'Llama(..., chat_template_file="FILE").',
            )
        return Toolbox.of(options["tools"], options.get("on_tool_error", "reply"))


def _check_one_form(wanted: Returns | None, options: Mapping[str, Any]) -> None:
    forms = [name for name in ("grammar", "json_schema") if options.get(name) is not None]
    forms += ["returns"] if wanted is not None and wanted.grammar else []
    if len(forms) > 1:
        raise InputError(f"{' and '.join(forms)} cannot be given together.", fix="Give one of them.")
    if forms and forms != ["returns"] and options.get("tools"):
        raise InputError(f"{forms[0]} cannot be given together with tools.", fix="Use returns=TYPE.")


def rows_of(name: str, rows: Any) -> Iterator[Any]:
    """Return what belongs to each of many prompts, as it is read; raises InputError at a prompt more than there is."""
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise InputError(f"{name} of map must have an entry for each prompt, not {rows!r}.")
    return _until_too_many(name, rows)


def _until_too_many(name: str, rows: Iterable[Any]) -> Iterator[Any]:
    count = 0
    for row in rows:
        count += 1
        yield row
    raise InputError(f"{name} has {count} entries, and there are more prompts.", fix="Give None for those without.")
