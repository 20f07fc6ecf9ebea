"""The kit for Metal: Apple's SDK on a Mac, and elsewhere a stand-in for it, whose wheel is for checks.

kit  The kit itself.
sdk  The stand-in: headers, lists of the system's symbols, and a function of the compiler's runtime library. They are
     our own words, and say only what ggml-metal needs. They are here and not in packages/backend-metal, so that no
     source distribution has them: whoever builds one on a Mac must get Apple's.
"""

from tools.toolkits.metal.kit import metal_kit

__all__ = ["metal_kit"]
