// clang's header for CUDA includes this one of cuRAND, which is neither in NVIDIA's compiler packages nor used by ggml.
