# `make package`: what T3Install.cmake puts down as a Debian package. libtorch is part of it: Debian
# has other versions, whose kernels and ABI are not those that are tested, and the library's search
# paths stay the same as those of `cmake --install`. What else is linked becomes a dependency.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME t3video)
set(CPACK_PACKAGE_CONTACT "t3video maintainers <t3video@localhost>" CACHE STRING
    "Maintainer of the package, NAME <ADDRESS>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "native-4K video with diffusion transformers")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "t3 generates video with pretrained diffusion transformers under T3 window attention,
up to 3840x2160: on the command line, and as an HTTP server with a web page.
This package holds the program, the library with its headers, a small model, and
libtorch ${T3_TORCH_WANTED} in a folder of its own.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/package")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION video)
# 450 MB of libtorch: zstd packs and unpacks in seconds where xz takes minutes.
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/debian_dependencies.cmake")
# Both have /usr/bin/t3. The driver's library is not named as a dependency: it is the machine's.
set(CPACK_DEBIAN_PACKAGE_CONFLICTS t3video-cuda)
if(T3_CUDA)
  set(CPACK_PACKAGE_NAME t3video-cuda)
  set(CPACK_DEBIAN_PACKAGE_PROVIDES t3video)
  set(CPACK_DEBIAN_PACKAGE_CONFLICTS t3video)
  set(CPACK_DEBIAN_PACKAGE_REPLACES t3video)
endif()
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/packaging/postinst"
  "${PROJECT_SOURCE_DIR}/packaging/prerm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
