# What the Metal plug-in has beside the others; read before ggml is configured.

set(GGML_METAL_EMBED_LIBRARY ON CACHE INTERNAL "")   # the shaders' source, which the driver compiles, is in the library
