"""Fields of requests that say how tokens are chosen, and how many: those that llama.cpp's server reads."""

from __future__ import annotations

from collections.abc import Mapping

from llamapack.server.openapi.parts import Schema, array, flag, number, object_of, one_of, text, whole

STOP = one_of(text(), array(text()), about="Texts that end the answer; they are not part of it.")
_PAIR = array(one_of(whole(), text(), number(), flag()), minItems=2, maxItems=2)

LENGTH: Mapping[str, Schema] = {
    "n_predict": whole("How many tokens at most; -1 for as many as the context takes. Before the next two.", least=-1),
    "max_tokens": whole("The same, as OpenAI's clients name it.", least=-1),
    "max_completion_tokens": whole("The same.", least=-1),
    "stop": STOP,
    "ignore_eos": flag("Whether to go on after the model's end of text."),
    "t_max_predict_ms": whole("Milliseconds after which a new line ends the answer.", least=-1, most=2**53),
    "n_indent": whole("The least indentation of new lines, in blanks.", least=0),
}
STREAMS: Mapping[str, Schema] = {
    "stream": flag("Whether the answer comes in parts, as events."),
    "stream_options": object_of({"include_usage": flag("Whether the last event counts the tokens.")}),
    "timings_per_token": flag("Whether each part says how long it took."),
    "return_progress": flag("Whether events tell how much of the prompt is computed."),
    "sse_ping_interval": whole("Seconds of silence after which a comment is sent; -1 for never.", least=-1),
}
CHOICE: Mapping[str, Schema] = {
    "temperature": number("0 takes the most probable token each time."),
    "dynatemp_range": number("How far the temperature moves with the entropy."),
    "dynatemp_exponent": number(),
    "top_k": whole("How many of the most probable tokens are left to choose from; 0 for all."),
    "top_p": number("The smallest set of tokens that have this probability together is left."),
    "min_p": number("The least probability, as a part of that of the most probable token."),
    "top_n_sigma": number("Tokens within so many standard deviations of the best are left."),
    "typical_p": number("Locally typical sampling; 1 switches it off."),
    "xtc_probability": number("How likely the most probable tokens are left out."),
    "xtc_threshold": number("From which probability that is."),
    "mirostat": whole("0 for none, 1, or 2."),
    "mirostat_tau": number(),
    "mirostat_eta": number(),
    "adaptive_target": number(),
    "adaptive_decay": number(minimum=0, maximum=0.99),
    "repeat_last_n": whole("How many tokens count as repeated; 0 for none.", least=0),
    "repeat_penalty": number("1 for none."),
    "presence_penalty": number(),
    "frequency_penalty": number(),
    "dry_multiplier": number("The penalty for repeating a sequence; 0 for none."),
    "dry_base": number(),
    "dry_allowed_length": whole(least=0),
    "dry_penalty_last_n": whole(least=0),
    "dry_sequence_breakers": array(text(), minItems=1),
    "min_keep": whole("How many tokens are left at least.", least=0),
    "seed": whole("The same seed gives the same answer in the same state of the server; -1 for a new one each time."),
    "samplers": one_of(array(text()), text(), about="The steps of the choice, in their order."),
    "logit_bias": one_of(
        object_of({}),
        array(_PAIR),
        about="What is added to the logits of tokens, by number or text; false forbids one.",
    ),
}
FORM: Mapping[str, Schema] = {
    "grammar": text("A grammar in GBNF that the answer must follow."),
    "json_schema": object_of({}, about="A JSON schema that the answer must follow."),
}
SERVER: Mapping[str, Schema] = {
    "cache_prompt": flag("Whether the beginning that earlier prompts had is not computed again."),
    "n_keep": whole("Tokens at the beginning that stay when the context is shifted; -1 for the prompt.", least=-1),
    "n_discard": whole("Tokens that go then; 0 for a half.", least=0),
    "n_cache_reuse": whole("The shortest piece of a prompt that is taken from elsewhere in the cache.", least=0),
    "id_slot": whole("The slot that is to answer; -1 for any.", least=-1),
    "n_probs": whole("How many of the most probable tokens are told of at each."),
    "post_sampling_probs": flag("Whether these are the probabilities after the choice was narrowed."),
    "return_tokens": flag("Whether the numbers of the tokens are told, too."),
    "lora": array(object_of({"id": whole(), "scale": number()}), "The strengths of adapters that are loaded."),
    "reasoning_budget_tokens": whole("How many tokens may be thinking; -1 for any number.", least=-1),
    "response_fields": array(text(), "The fields of the answer that are wanted."),
}
GENERATING: Mapping[str, Schema] = {**LENGTH, **STREAMS, **CHOICE, **FORM, **SERVER}
MODEL: Mapping[str, Schema] = {"model": text("The name of the model. A server of one model takes any.")}
N: Mapping[str, Schema] = {"n": whole("How many answers; at most as many as there are slots.", least=1)}
