# What the Metal plug-in has beside the others; read before ggml is configured.
#   LLAMAPACK_METAL_SDK  a folder in place of Apple's SDK, for a build without a Mac that is checked and not released

set(GGML_METAL_EMBED_LIBRARY ON CACHE INTERNAL "")   # the shaders' source, which the driver compiles, is in the library

set(LLAMAPACK_METAL_SDK "" CACHE PATH "A folder in place of Apple's SDK: include/, lib/ and availability.c")
if(LLAMAPACK_METAL_SDK)
    # ggml looks for three frameworks and links with what it finds: this library is there in their place.
    add_library(llamapack-metal-sdk OBJECT EXCLUDE_FROM_ALL "${LLAMAPACK_METAL_SDK}/availability.c")
    target_include_directories(llamapack-metal-sdk SYSTEM INTERFACE "${LLAMAPACK_METAL_SDK}/include")
    foreach(_library Foundation CoreFoundation Metal MetalKit libobjc)
        target_link_libraries(llamapack-metal-sdk INTERFACE "${LLAMAPACK_METAL_SDK}/lib/${_library}.tbd")
    endforeach()
    # zig links no bundles, which CMake makes of modules; a dylib is opened in the same way.
    set(CMAKE_SHARED_MODULE_CREATE_C_FLAGS "-dynamiclib")
    set(CMAKE_SHARED_MODULE_CREATE_CXX_FLAGS "-dynamiclib")
    # What the headers do not have, and what is newer than the oldest macOS and used without asking, is an error.
    target_compile_options(llamapack-metal-sdk INTERFACE
        -Werror=implicit-function-declaration -Werror=objc-method-access -Werror=unguarded-availability-new)
    foreach(_framework FOUNDATION_LIBRARY METAL_FRAMEWORK METALKIT_FRAMEWORK)
        set(${_framework} llamapack-metal-sdk CACHE INTERNAL "")
    endforeach()
endif()
