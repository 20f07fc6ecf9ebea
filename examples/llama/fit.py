"""Load a model with the longest context that fits: python examples/llama/fit.py MODEL."""

import sys

from llamapack import Llama
from llamapack.fitting import fit

found = fit(sys.argv[1])
print(found.reason)
if found.best is not None:
    with Llama(sys.argv[1], **found.best.options) as llm:
        print(llm.explain().context)
