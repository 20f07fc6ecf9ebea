// What ggml-metal uses of Metal, for builds without Apple's SDK (tools/toolkits/metal): names, types and values as Apple
// documents them, in our own words. `nox -s test-metal` compares values and methods with Apple's own for C++, metal-cpp.
// What came after macOS 14 says so: else macOS 14 would not load a library that names it.

#pragma once

#include <Foundation/Foundation.h>

#define SINCE_MACOS_15 __attribute__((availability(macos, introduced = 15.0)))

@protocol MTLBuffer, MTLCommandBuffer, MTLCommandQueue, MTLComputePipelineState, MTLDevice, MTLLibrary, MTLSharedEvent;
@class MTLResidencySetDescriptor;
@protocol MTLResidencySet;

typedef NSUInteger MTLBarrierScope;
static const MTLBarrierScope MTLBarrierScopeBuffers = 1;

typedef NSInteger MTLCaptureDestination;
static const MTLCaptureDestination MTLCaptureDestinationGPUTraceDocument = 2;

typedef NSUInteger MTLCommandBufferStatus;
static const MTLCommandBufferStatus MTLCommandBufferStatusNotEnqueued = 0;
static const MTLCommandBufferStatus MTLCommandBufferStatusCompleted = 4;
static const MTLCommandBufferStatus MTLCommandBufferStatusError = 5;

typedef NSUInteger MTLDataType;
static const MTLDataType MTLDataTypeInt = 29;
static const MTLDataType MTLDataTypeShort = 37;
static const MTLDataType MTLDataTypeBool = 53;

typedef NSUInteger MTLDeviceLocation;
static const MTLDeviceLocation MTLDeviceLocationExternal = 2;

typedef NSUInteger MTLDispatchType;
static const MTLDispatchType MTLDispatchTypeConcurrent = 1;

typedef NSInteger MTLGPUFamily;
static const MTLGPUFamily MTLGPUFamilyApple1 = 1001;
static const MTLGPUFamily MTLGPUFamilyApple6 = 1006;
static const MTLGPUFamily MTLGPUFamilyApple7 = 1007;
static const MTLGPUFamily MTLGPUFamilyCommon1 = 3001;

typedef NSUInteger MTLLanguageVersion;

typedef NSUInteger MTLResourceOptions;
static const MTLResourceOptions MTLResourceStorageModeShared = 0;
static const MTLResourceOptions MTLResourceStorageModePrivate = 32;

typedef struct {
    NSUInteger width;
    NSUInteger height;
    NSUInteger depth;
} MTLSize;

static inline MTLSize MTLSizeMake(NSUInteger width, NSUInteger height, NSUInteger depth) {
    return (MTLSize) { width, height, depth };
}

@interface MTLCompileOptions : NSObject <NSCopying>
@property (copy) NSDictionary<NSString *, NSObject *> * preprocessorMacros;
@property MTLLanguageVersion languageVersion;
@property BOOL fastMathEnabled;
@end

@interface MTLFunctionConstantValues : NSObject <NSCopying>
- (void)setConstantValue:(const void *)value type:(MTLDataType)type atIndex:(NSUInteger)index;
@end

@protocol MTLFunction <NSObject>
@end

@protocol MTLLibrary <NSObject>
@property (readonly) NSArray<NSString *> * functionNames;
- (id<MTLFunction>)newFunctionWithName:(NSString *)name;
- (id<MTLFunction>)newFunctionWithName:(NSString *)name
                        constantValues:(MTLFunctionConstantValues *)values
                                 error:(NSError **)error;
@end

@protocol MTLComputePipelineState <NSObject>
@property (readonly) NSUInteger maxTotalThreadsPerThreadgroup;
@property (readonly) NSUInteger threadExecutionWidth;
@end

@protocol MTLAllocation <NSObject>
@end

@protocol MTLResource <MTLAllocation>
@end

@protocol MTLBuffer <MTLResource>
@property (readonly) NSUInteger length;
- (void *)contents;
@end

@protocol MTLEvent <NSObject>
@end

@protocol MTLSharedEvent <MTLEvent>
- (BOOL)waitUntilSignaledValue:(uint64_t)value timeoutMS:(uint64_t)milliseconds;
@end

@protocol MTLCommandEncoder <NSObject>
- (void)endEncoding;
- (void)pushDebugGroup:(NSString *)name;
- (void)popDebugGroup;
@end

@protocol MTLBlitCommandEncoder <MTLCommandEncoder>
- (void)copyFromBuffer:(id<MTLBuffer>)source
          sourceOffset:(NSUInteger)sourceOffset
              toBuffer:(id<MTLBuffer>)destination
     destinationOffset:(NSUInteger)destinationOffset
                  size:(NSUInteger)size;
- (void)fillBuffer:(id<MTLBuffer>)buffer range:(NSRange)range value:(uint8_t)value;
@end

@protocol MTLComputeCommandEncoder <MTLCommandEncoder>
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state;
- (void)setBytes:(const void *)bytes length:(NSUInteger)length atIndex:(NSUInteger)index;
- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index;
- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index;
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads;
- (void)memoryBarrierWithScope:(MTLBarrierScope)scope;
@end

typedef void (^MTLCommandBufferHandler)(id<MTLCommandBuffer>);

@protocol MTLCommandBuffer <NSObject>
@property (readonly) MTLCommandBufferStatus status;
@property (readonly) NSError * error;
- (void)enqueue;
- (void)commit;
- (void)waitUntilCompleted;
- (void)addCompletedHandler:(MTLCommandBufferHandler)handler;
- (id<MTLBlitCommandEncoder>)blitCommandEncoder;
- (id<MTLComputeCommandEncoder>)computeCommandEncoder;
- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type;
- (void)encodeSignalEvent:(id<MTLEvent>)event value:(uint64_t)value;
- (void)encodeWaitForEvent:(id<MTLEvent>)event value:(uint64_t)value;
@end

@protocol MTLCommandQueue <NSObject>
- (id<MTLCommandBuffer>)commandBuffer;
- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences;
@end

@protocol MTLDevice <NSObject>
@property (readonly) NSString * name;
@property (readonly) MTLDeviceLocation location;
@property (readonly) BOOL hasUnifiedMemory;
@property (readonly) uint64_t recommendedMaxWorkingSetSize;
@property (readonly) NSUInteger maxThreadgroupMemoryLength;
@property (readonly) NSUInteger maxBufferLength;
@property (readonly) NSUInteger currentAllocatedSize;
- (BOOL)supportsFamily:(MTLGPUFamily)family;
- (id<MTLCommandQueue>)newCommandQueue;
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options;
- (id<MTLBuffer>)newBufferWithBytes:(const void *)bytes
                             length:(NSUInteger)length
                            options:(MTLResourceOptions)options;
- (id<MTLBuffer>)newBufferWithBytesNoCopy:(void *)bytes
                                   length:(NSUInteger)length
                                  options:(MTLResourceOptions)options
                              deallocator:(void (^)(void * bytes, NSUInteger length))deallocator;
- (id<MTLLibrary>)newLibraryWithSource:(NSString *)source options:(MTLCompileOptions *)options error:(NSError **)error;
- (id<MTLLibrary>)newLibraryWithURL:(NSURL *)url error:(NSError **)error;
- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function error:(NSError **)error;
- (id<MTLSharedEvent>)newSharedEvent;
- (id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor *)descriptor
                                               error:(NSError **)error SINCE_MACOS_15;
@end

SINCE_MACOS_15
@interface MTLResidencySetDescriptor : NSObject <NSCopying>
@property (copy) NSString * label;
@property NSUInteger initialCapacity;
@end

SINCE_MACOS_15
@protocol MTLResidencySet <NSObject>
- (void)addAllocation:(id<MTLAllocation>)allocation;
- (void)removeAllAllocations;
- (void)commit;
- (void)requestResidency;
- (void)endResidency;
@end

@protocol MTLCaptureScope <NSObject>
- (void)beginScope;
- (void)endScope;
@end

@interface MTLCaptureDescriptor : NSObject <NSCopying>
@property id captureObject;
@property MTLCaptureDestination destination;
@property (copy) NSURL * outputURL;
@end

@interface MTLCaptureManager : NSObject
+ (MTLCaptureManager *)sharedCaptureManager;
- (id<MTLCaptureScope>)newCaptureScopeWithDevice:(id<MTLDevice>)device;
- (BOOL)startCaptureWithDescriptor:(MTLCaptureDescriptor *)descriptor error:(NSError **)error;
- (void)stopCapture;
@end

extern id<MTLDevice> MTLCreateSystemDefaultDevice(void);
extern NSArray<id<MTLDevice>> * MTLCopyAllDevices(void);
