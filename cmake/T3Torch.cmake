# libtorch as the target t3_torch. find_package(Torch) of the wheel stops without a CUDA toolkit,
# so the libraries are imported by name: torch_cpu and c10, with torch_cuda and c10_cuda under T3_CUDA.
if(NOT EXISTS "${T3_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "libtorch is not at T3_TORCH_DIR=${T3_TORCH_DIR} "
    "(wanted ${T3_TORCH_DIR}/lib/libtorch_cpu.so). Run scripts/setup.sh, or pass "
    "-DT3_TORCH_DIR=.../site-packages/torch of torch 2.11.0.")
endif()

add_library(t3_torch INTERFACE)
target_include_directories(t3_torch SYSTEM INTERFACE "${T3_TORCH_DIR}/include"
  "${T3_TORCH_DIR}/include/torch/csrc/api/include")
target_compile_definitions(t3_torch INTERFACE AT_PER_OPERATOR_HEADERS)
set(T3_TORCH_LIBS torch_cpu c10)
if(T3_CUDA)
  list(APPEND T3_TORCH_LIBS torch_cuda c10_cuda)
endif()
target_link_options(t3_torch INTERFACE -Wl,--no-as-needed -Wl,--allow-shlib-undefined)
foreach(lib ${T3_TORCH_LIBS})
  target_link_libraries(t3_torch INTERFACE "${T3_TORCH_DIR}/lib/lib${lib}.so")
endforeach()
list(APPEND CMAKE_BUILD_RPATH "${T3_TORCH_DIR}/lib")
