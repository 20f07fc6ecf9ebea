// A whole backend in one file: devices in the CPU's memory that multiply matrices and leave all else to the CPU.
// It shows what a plug-in must have, and tests build it, with and without faults, as real wheels.
//
// What the tests set while compiling:
//   EXAMPLE_NAME        the backend's name; devices are called by it and their number
//   EXAMPLE_DEVICES     how many devices it has
//   EXAMPLE_KIND        GPU, IGPU or ACCEL
//   EXAMPLE_DEVICE_ID   their PCI id, or NULL
//   EXAMPLE_MEMORY      the bytes that each says it has
//   EXAMPLE_SCALE       what each product is multiplied with: anything but 1 is a broken device
//   EXAMPLE_FAULTY      link faults.c, which breaks it at a chosen moment

#include "ggml-backend-impl.h"
#include "ggml-backend.h"
#include "ggml.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32  // whose C libraries give aligned memory back in a way of its own
#include <malloc.h>
#define aligned_alloc(alignment, size) _aligned_malloc(size, alignment)
#define aligned_free _aligned_free
#else
#define aligned_free free
#endif

#ifndef EXAMPLE_NAME
#define EXAMPLE_NAME "Example"
#endif
#ifndef EXAMPLE_DEVICES
#define EXAMPLE_DEVICES 1
#endif
#ifndef EXAMPLE_KIND
#define EXAMPLE_KIND GPU
#endif
#ifndef EXAMPLE_DEVICE_ID
#define EXAMPLE_DEVICE_ID NULL
#endif
#ifndef EXAMPLE_MEMORY
#define EXAMPLE_MEMORY (4ull << 30)
#endif
#ifndef EXAMPLE_SCALE
#define EXAMPLE_SCALE 1.0f
#endif
#ifdef EXAMPLE_FAULTY
void example_fault(const char *moment);
#else
#define example_fault(moment)
#endif

#define JOIN(a, b) a##b
#define KIND(name) JOIN(GGML_BACKEND_DEVICE_TYPE_, name)
enum { DEVICES = EXAMPLE_DEVICES, ALIGNMENT = 64 };

typedef struct {
    char name[64];
    atomic_size_t used;
    struct ggml_backend_buffer_type memory;
    struct ggml_backend_device device;
} example_device;

static example_device devices[DEVICES + 1];  // one more, so that there may be none

static example_device *of(ggml_backend_dev_t device) { return device->context; }

// --- memory: the CPU's, counted ---

static void buffer_free(ggml_backend_buffer_t buffer) {
    atomic_fetch_sub(&of(buffer->buft->device)->used, buffer->size);
    aligned_free(buffer->context);
}

static void *buffer_base(ggml_backend_buffer_t buffer) { return buffer->context; }

static void buffer_fill(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, uint8_t value, size_t at, size_t size) {
    (void)buffer;
    memset((char *)tensor->data + at, value, size);
}

static void buffer_write(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, const void *data, size_t at, size_t size) {
    (void)buffer;
    memcpy((char *)tensor->data + at, data, size);
}

static void buffer_read(ggml_backend_buffer_t buffer, const struct ggml_tensor *tensor, void *data, size_t at, size_t size) {
    (void)buffer;
    memcpy(data, (const char *)tensor->data + at, size);
}

static void buffer_clear(ggml_backend_buffer_t buffer, uint8_t value) { memset(buffer->context, value, buffer->size); }

static const struct ggml_backend_buffer_i buffer_calls = {
    .free_buffer = buffer_free,
    .get_base = buffer_base,
    .memset_tensor = buffer_fill,
    .set_tensor = buffer_write,
    .get_tensor = buffer_read,
    .clear = buffer_clear,
};

static const char *memory_name(ggml_backend_buffer_type_t memory) { return of(memory->device)->name; }

static ggml_backend_buffer_t memory_allocate(ggml_backend_buffer_type_t memory, size_t size) {
    example_device *device = of(memory->device);
    if (atomic_load(&device->used) + size > EXAMPLE_MEMORY) {
        return NULL;
    }
    size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *data = aligned_alloc(ALIGNMENT, padded ? padded : ALIGNMENT);
    if (!data) {
        return NULL;
    }
    atomic_fetch_add(&device->used, size);
    return ggml_backend_buffer_init(memory, buffer_calls, data, size);
}

static size_t memory_alignment(ggml_backend_buffer_type_t memory) {
    (void)memory;
    return ALIGNMENT;
}

// The CPU may compute on it in place, so that it can do the operations that this backend does not have.
static bool memory_is_host(ggml_backend_buffer_type_t memory) {
    (void)memory;
    return true;
}

// --- computing ---

// Sixteen sums side by side, which the compiler makes vectors of: with one sum, each step would wait for the last.
static float dot(const float *a, const float *b, int64_t n) {
    float sums[16] = {0.0f}, sum = 0.0f;
    int64_t k = 0;
    for (; k + 16 <= n; k += 16) {
        for (int j = 0; j < 16; j++) {
            sums[j] += a[k + j] * b[k + j];
        }
    }
    for (; k < n; k++) {
        sum += a[k] * b[k];
    }
    for (int j = 0; j < 16; j++) {
        sum += sums[j];
    }
    return sum;
}

// One row of src0 by all rows of src1 that belong to it, in one pair of outer dimensions.
static void multiply_row(const struct ggml_tensor *a, const struct ggml_tensor *b, struct ggml_tensor *dst,
                         const float *row, int64_t i01, int64_t i2, int64_t i3) {
    (void)a;
    for (int64_t i11 = 0; i11 < b->ne[1]; i11++) {
        const float *column =
            (const float *)((const char *)b->data + i11 * b->nb[1] + i2 * b->nb[2] + i3 * b->nb[3]);
        *(float *)((char *)dst->data + i01 * dst->nb[0] + i11 * dst->nb[1] + i2 * dst->nb[2] + i3 * dst->nb[3]) =
            dot(row, column, b->ne[0]) * EXAMPLE_SCALE;
    }
}

static void multiply(struct ggml_tensor *dst, float *scratch) {
    const struct ggml_tensor *a = dst->src[0], *b = dst->src[1];
    ggml_to_float_t to_float = ggml_get_type_traits(a->type)->to_float;
    for (int64_t i3 = 0; i3 < b->ne[3]; i3++) {
        for (int64_t i2 = 0; i2 < b->ne[2]; i2++) {
            for (int64_t i01 = 0; i01 < a->ne[1]; i01++) {
                const char *row = (const char *)a->data + i01 * a->nb[1] + i2 * a->ne[2] / b->ne[2] * a->nb[2] +
                                  i3 * a->ne[3] / b->ne[3] * a->nb[3];
                if (to_float) {
                    to_float(row, scratch, a->ne[0]);
                }
                multiply_row(a, b, dst, to_float ? scratch : (const float *)row, i01, i2, i3);
            }
        }
    }
}

static enum ggml_status compute(ggml_backend_t backend, struct ggml_cgraph *graph) {
    (void)backend;
    example_fault("compute");
    for (int i = 0; i < ggml_graph_n_nodes(graph); i++) {
        struct ggml_tensor *node = ggml_graph_node(graph, i);
        if (node->op != GGML_OP_MUL_MAT || ggml_nelements(node) == 0) {
            continue;  // views and reshapes compute nothing
        }
        float *scratch = malloc(node->src[0]->ne[0] * sizeof(float));
        if (!scratch) {
            return GGML_STATUS_ALLOC_FAILED;
        }
        multiply(node, scratch);
        free(scratch);
    }
    return GGML_STATUS_SUCCESS;
}

static const char *backend_name(ggml_backend_t backend) { return of(backend->device)->name; }

static void backend_free(ggml_backend_t backend) { free(backend); }

// --- devices ---

static const char *device_name(ggml_backend_dev_t device) { return of(device)->name; }

static const char *device_description(ggml_backend_dev_t device) {
    (void)device;
    return "Example device in the CPU's memory";
}

static void device_memory(ggml_backend_dev_t device, size_t *available, size_t *total) {
    size_t used = atomic_load(&of(device)->used);
    *total = EXAMPLE_MEMORY;
    *available = used < EXAMPLE_MEMORY ? EXAMPLE_MEMORY - used : 0;
}

static enum ggml_backend_dev_type device_type(ggml_backend_dev_t device) {
    (void)device;
    return KIND(EXAMPLE_KIND);
}

static void device_properties(ggml_backend_dev_t device, struct ggml_backend_dev_props *properties) {
    memset(properties, 0, sizeof(*properties));
    properties->name = device_name(device);
    properties->description = device_description(device);
    properties->type = device_type(device);
    properties->device_id = EXAMPLE_DEVICE_ID;
    device_memory(device, &properties->memory_free, &properties->memory_total);
}

static ggml_backend_t device_start(ggml_backend_dev_t device, const char *parameters) {
    (void)parameters;
    static uint8_t guid[16] = {'l', 'l', 'a', 'm', 'a', 'p', 'a', 'c', 'k', '-', 'e', 'x', 'a', 'm', 'p', 'l'};
    ggml_backend_t backend = calloc(1, sizeof(*backend));
    if (!backend) {
        return NULL;
    }
    backend->guid = &guid;
    backend->device = device;
    backend->iface.get_name = backend_name;
    backend->iface.free = backend_free;
    backend->iface.graph_compute = compute;
    return backend;
}

static ggml_backend_buffer_type_t device_buffers(ggml_backend_dev_t device) { return &of(device)->memory; }

static bool device_can(ggml_backend_dev_t device, const struct ggml_tensor *node) {
    (void)device;
    const struct ggml_tensor *a = node->src[0], *b = node->src[1];
    switch (node->op) {
        case GGML_OP_NONE:
        case GGML_OP_RESHAPE:
        case GGML_OP_VIEW:
        case GGML_OP_PERMUTE:
        case GGML_OP_TRANSPOSE:
            return true;
        case GGML_OP_MUL_MAT:
            return b->type == GGML_TYPE_F32 && b->nb[0] == sizeof(float) && a->nb[0] == ggml_type_size(a->type) &&
                   (a->type == GGML_TYPE_F32 || ggml_get_type_traits(a->type)->to_float);
        default:
            return false;
    }
}

static bool device_reaches(ggml_backend_dev_t device, ggml_backend_buffer_type_t memory) {
    (void)device;
    return ggml_backend_buft_is_host(memory);
}

static const struct ggml_backend_device_i device_calls = {
    .get_name = device_name,
    .get_description = device_description,
    .get_memory = device_memory,
    .get_type = device_type,
    .get_props = device_properties,
    .init_backend = device_start,
    .get_buffer_type = device_buffers,
    .supports_op = device_can,
    .supports_buft = device_reaches,
};

// --- the registry's entry ---

static const char *registry_name(ggml_backend_reg_t registry) {
    (void)registry;
    return EXAMPLE_NAME;
}

static size_t registry_count(ggml_backend_reg_t registry) {
    (void)registry;
    example_fault("list");
    return DEVICES;
}

static ggml_backend_dev_t registry_device(ggml_backend_reg_t registry, size_t index) {
    (void)registry;
    return &devices[index].device;
}

static struct ggml_backend_reg registry = {
    .api_version = GGML_BACKEND_API_VERSION,
    .iface = {.get_name = registry_name, .get_device_count = registry_count, .get_device = registry_device},
};

static ggml_backend_reg_t example_registry(void) {
    example_fault("init");
    for (int i = 0; i < DEVICES; i++) {
        example_device *made = &devices[i];
        snprintf(made->name, sizeof(made->name), "%s%d", EXAMPLE_NAME, i);
        made->memory.iface.get_name = memory_name;
        made->memory.iface.alloc_buffer = memory_allocate;
        made->memory.iface.get_alignment = memory_alignment;
        made->memory.iface.is_host = memory_is_host;
        made->memory.device = &made->device;
        made->device.iface = device_calls;
        made->device.reg = &registry;
        made->device.context = made;
    }
    return &registry;
}

GGML_BACKEND_DL_IMPL(example_registry)
