// Images and audio: mtmd's calls that read files or compute. What they assert ends in an error here, not in the end of the
// process.

#include "aborts.hpp"
#include "deep_stack.hpp"
#include "llamapack.h"
#include "mtmd-helper.h"
#include "mtmd.h"
#include "status.hpp"

namespace {

constexpr size_t other_stack = 1024 * 1024; // for all but the recursion

} // namespace

using llamapack::caught_aborts;
using llamapack::guarded;

llamapack_status llamapack_projector_load(
    const char * path, const llama_model * model, const mtmd_context_params * params, mtmd_context ** out, char ** error) {
    *out = nullptr;
    return guarded(error, [&] {
        const caught_aborts guard;
        *out = mtmd_init_from_file(path, model, *params);
    });
}

llamapack_status llamapack_media_decode(
    const mtmd_context * projector, const uint8_t * data, size_t size, mtmd_bitmap ** out, char ** error) {
    *out = nullptr;
    return guarded(error, [&] {
        const caught_aborts guard;
        *out = mtmd_helper_bitmap_init_from_buf(projector, data, size, false, mtmd_helper_init_opt_default()).bitmap;
    });
}

llamapack_status llamapack_media_tokenize(
    const mtmd_context * projector, const mtmd_input_text * text, const mtmd_bitmap * const * bitmaps, size_t n_bitmaps,
    mtmd_input_chunks * chunks, int32_t * result, char ** error) {
    return guarded(error, [&] {
        llamapack::run_with_stack(llamapack::stack_for_splitting(text->text, text->text_len) + other_stack, [&] {
            const caught_aborts guard;
            *result = mtmd_tokenize(projector, chunks, text, bitmaps, n_bitmaps);
        });
    });
}

llamapack_status llamapack_media_encode(
    mtmd_context * projector, const mtmd_input_chunk * chunk, const float ** rows, int32_t * result, char ** error) {
    *rows = nullptr;
    return guarded(error, [&] {
        const caught_aborts guard;
        *result = mtmd_encode_chunk(projector, chunk);
        *rows   = mtmd_get_output_embd(projector);
    });
}
