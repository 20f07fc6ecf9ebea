"""What each call does, step by step, without saying who waits for the engine: a thread or an asyncio task.

conversation   a call: turns of the model and of its tools, until the answer is there
completing     completions, infill and tokens
scoring        `score`
vectors        `embed` and `rank`
chat_states    the KV cache of a conversation, saved and restored
facts          what an engine says of its model
steps          what a plan is made of
running        carry plans out in a thread
running_async  carry plans out in an asyncio task
interface      what an engine must answer
refusals       errors in an engine's answers, as ours
answers        one answer of the engine, read or put together
replies        Reply, and what it has: usage, timing, logprobs
events         what happens while an answer is written
messages       prompts as messages
media          images and audio as parts of messages
options        the options of calls, and how a request says them
"""

__all__ = [
    "answers",
    "chat_states",
    "completing",
    "conversation",
    "events",
    "facts",
    "interface",
    "media",
    "messages",
    "options",
    "refusals",
    "replies",
    "running",
    "running_async",
    "scoring",
    "steps",
    "vectors",
]
