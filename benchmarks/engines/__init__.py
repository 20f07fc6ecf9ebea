"""One program for each engine that `nox -s bench -- engine` compares, each for an environment of its own.

All are called alike: python FILE MODEL SLOTS PROMPTS. PROMPTS is a JSON file with `texts`, `tokens` (how long each
answer is) and `threads`. They print a JSON object of what they measured:

with one slot    `whole` and `streamed`, tokens per second of a request from its call to its end, prompt included;
                 `first`, seconds until there is a piece of a streamed answer
with more        `together`, tokens per second of one request for each slot, all at once

Every measurement comes after a warm-up, and each request has a prompt of its own, so that no cache helps.

ours               llamapack: Llama, and `generate` to compare with
llama_server       llama.cpp's server, over HTTP
llama_cpp_python   the peers, by what each has for the same work
xllamacpp
cyllama
clock              what all of them share; it imports nothing of llamapack
"""
