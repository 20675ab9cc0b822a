# What `cmake --install` puts down: bin/t3, the library and its headers, the CMake package, models
# and notices; and libtorch with its run-time libraries under lib/t3video/, in the layout of the
# wheels, whose own search paths are relative. The result runs from anywhere, without the clone.
include(CMakePackageConfigHelpers)
option(T3_INSTALL_TORCH "Install libtorch beside the library; OFF leaves it at T3_TORCH_DIR" ON)

get_property(programs GLOBAL PROPERTY T3_PROGRAMS)
set(private_dir "${CMAKE_INSTALL_LIBDIR}/t3video")
set(nvidia_dir "${T3_TORCH_DIR}/../nvidia")
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/t3video")

set(library_rpath "${T3_TORCH_DIR}/lib" "${nvidia_dir}/cu13/lib" "${nvidia_dir}/cudnn/lib")
if(T3_INSTALL_TORCH)
  set(library_rpath "$ORIGIN/t3video/torch/lib" "$ORIGIN/t3video/nvidia/cu13/lib"
    "$ORIGIN/t3video/nvidia/cudnn/lib")
endif()
set_target_properties(t3video PROPERTIES INSTALL_RPATH "${library_rpath}")
file(RELATIVE_PATH bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
if(programs)
  set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
endif()

install(TARGETS t3video ${programs} EXPORT t3videoTargets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/t3video" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${T3_DEMO_MODEL}" DESTINATION "${CMAKE_INSTALL_DATADIR}/t3video/models")
install(FILES "${PROJECT_SOURCE_DIR}/models/plans.json"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/t3video")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/THIRD_PARTY.md"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# systemd looks there for /usr and for /usr/local.
install(FILES "${PROJECT_SOURCE_DIR}/packaging/t3-serve.service" DESTINATION lib/systemd/system)
install(FILES "${PROJECT_SOURCE_DIR}/packaging/nginx.conf" "${PROJECT_SOURCE_DIR}/packaging/nginx-machines.conf"
    "${PROJECT_SOURCE_DIR}/packaging/Caddyfile"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")

install(EXPORT t3videoTargets NAMESPACE t3video:: FILE t3videoConfig.cmake
  DESTINATION "${package_dir}")
# Before 1.0 each minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/t3videoConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/t3videoConfigVersion.cmake" DESTINATION "${package_dir}")

if(T3_INSTALL_TORCH)
  set(torch_libraries torch_cpu c10)
  set(nvidia_patterns PATTERN "libcudart.so.*" PATTERN "libcupti.so.*")
  if(T3_CUDA)
    list(APPEND torch_libraries torch_cuda c10_cuda torch_cuda_linalg torch_nvshmem caffe2_nvrtc)
    set(nvidia_patterns PATTERN "*.so.*" PATTERN "*.so")
  endif()
  list(TRANSFORM torch_libraries REPLACE "(.+)" "${T3_TORCH_DIR}/lib/lib\\1.so")
  install(PROGRAMS ${torch_libraries} "${T3_TORCH_DIR}/lib/libgomp.so.1"
    DESTINATION "${private_dir}/torch/lib")
  # Who passes libtorch on passes its licences on.
  install(DIRECTORY "${T3_TORCH_DIR}/../torch-${T3_TORCH_WANTED}.dist-info/licenses/"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/libtorch" OPTIONAL)
  # Absent where libtorch uses an installed CUDA toolkit.
  if(EXISTS "${nvidia_dir}")
    install(DIRECTORY "${nvidia_dir}" DESTINATION "${private_dir}"
      FILES_MATCHING ${nvidia_patterns}
      PATTERN "include" EXCLUDE PATTERN "bin" EXCLUDE PATTERN "nvvm" EXCLUDE
      PATTERN "libnvvm.so*" EXCLUDE)
  endif()
endif()
