// What is left in a descriptor set that a pipeline with fewer buffers uses again: `dispatch.inc` is ggml-vulkan's function
// that writes the set, and all around it stands in for Vulkan and for the backend.

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <vector>

#define CEIL_DIV(a, b) (((a) + (b) - 1) / (b))
#define MAX_PARAMETER_COUNT 12
#define GGML_ASSERT(condition) if (!(condition)) { std::abort(); }
#define VK_LOG_DEBUG(...)

#include <algorithm>
#include <cstdlib>

namespace vk {
enum class DescriptorType { eStorageBuffer };
enum class ShaderStageFlagBits { eCompute };
enum class PipelineBindPoint { eCompute };
struct DescriptorBufferInfo {
    int buffer = 0;
    uint64_t offset = 0, range = 0;
};
using DescriptorSet = std::array<DescriptorBufferInfo, MAX_PARAMETER_COUNT> *;
struct WriteDescriptorSet {
    DescriptorSet set;
    uint32_t binding, element, count;
    DescriptorType type;
    const void * images;
    const DescriptorBufferInfo * buffers;
};
struct Device {
    void updateDescriptorSets(std::initializer_list<WriteDescriptorSet> writes, std::initializer_list<int>) {
        for (const auto & write : writes) {
            std::copy_n(write.buffers, write.count, write.set->begin() + write.binding);
        }
    }
};
struct CommandBuffer {
    void pushConstants(int, ShaderStageFlagBits, int, size_t, const void *) {}
    void bindPipeline(PipelineBindPoint, int) {}
    void bindDescriptorSets(PipelineBindPoint, int, int, std::initializer_list<DescriptorSet>, std::initializer_list<int>) {}
    void dispatch(uint32_t, uint32_t, uint32_t) {}
};
}  // namespace vk

struct vk_device_struct {
    struct {
        struct {
            uint32_t maxComputeWorkGroupCount[3] = { 1, 1, 1 };
        } limits;
    } properties;
    std::atomic<uint64_t> buffer_destroy_count { 0 };
    bool disable_descriptor_reuse = false;
    vk::Device device;
};
struct ggml_backend_vk_context {
    std::shared_ptr<vk_device_struct> device = std::make_shared<vk_device_struct>();
    std::vector<vk::DescriptorSet> descriptor_sets;
    std::vector<std::vector<vk::DescriptorBufferInfo>> descriptor_set_bindings;
    uint64_t descriptor_set_bindings_destroy_count = 0;
    uint32_t descriptor_set_idx = 0;
};
struct vk_pipeline_struct {
    uint32_t parameter_count, push_constant_size = sizeof(int);
    std::array<uint32_t, 3> wg_denoms = { 1, 1, 1 };
    int layout = 0, pipeline = 0;
    const char * name = "";
};
struct vk_command_buffer { vk::CommandBuffer buf; };
struct vk_submission { vk_command_buffer * buffer; };
struct vk_context_struct { vk_submission * s; };
using vk_pipeline = std::shared_ptr<vk_pipeline_struct>;
using vk_context = std::shared_ptr<vk_context_struct>;
struct ggml_vk_debug_label {
    template <typename... Any> explicit ggml_vk_debug_label(const Any &...) {}
};
template <typename T> size_t push_constant_size(const T &) { return sizeof(T); }
template <typename T> const void * push_constant_data(const T & constants) { return &constants; }

#include "dispatch.inc"

int main() {
    std::array<vk::DescriptorBufferInfo, MAX_PARAMETER_COUNT> set {};
    ggml_backend_vk_context context;
    context.descriptor_sets = { &set };
    context.descriptor_set_bindings.resize(1);
    vk_command_buffer commands;
    vk_submission submission { &commands };
    vk_context submitted = std::make_shared<vk_context_struct>(vk_context_struct { &submission });
    vk_pipeline three = std::make_shared<vk_pipeline_struct>(vk_pipeline_struct { 3 });
    vk_pipeline two = std::make_shared<vk_pipeline_struct>(vk_pipeline_struct { 2 });

    const int destroyed = 3;
    ggml_vk_dispatch_pipeline(&context, submitted, three, { { 1, 0, 8 }, { 2, 0, 8 }, { destroyed, 0, 8 } }, 0, { 1, 1, 1 });
    context.device->buffer_destroy_count++;
    context.descriptor_set_idx = 0;
    ggml_vk_dispatch_pipeline(&context, submitted, two, { { 4, 0, 8 }, { 5, 16, 8 } }, 0, { 1, 1, 1 });
    for (const auto & info : set) {
        std::printf("%d ", info.buffer);
    }
}
