# Run by CPack before it packs: the packages that t3 and libt3video need, by dpkg-shlibdeps. CPack's
# own scan would ask for the dependencies of libtorch and of CUDA's libraries too, some of which (the
# driver, network adapters) no package has; those that matter are libc and libstdc++, which ours name.
find_program(shlibdeps dpkg-shlibdeps)
if(NOT shlibdeps)
  message(FATAL_ERROR "there is no dpkg-shlibdeps, which finds the package's dependencies: "
    "apt-get install dpkg-dev")
endif()

set(stage "${CPACK_TEMPORARY_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}")
file(GLOB binaries "${stage}/bin/t3" "${stage}/lib*/libt3video.so.*.*.*")
file(GLOB private LIST_DIRECTORIES true "${stage}/lib*" "${stage}/lib*/t3video/torch/lib"
  "${stage}/lib*/t3video/nvidia/*/lib")
list(TRANSFORM private PREPEND "-l")
# dpkg-shlibdeps wants to stand in a source package, and to see where $ORIGIN of a search path is.
file(MAKE_DIRECTORY "${CPACK_TEMPORARY_DIRECTORY}/DEBIAN")
set(source "${CPACK_TEMPORARY_DIRECTORY}-dependencies")
file(WRITE "${source}/debian/control" "Source: t3video\n\nPackage: t3video\nArchitecture: any\n")
execute_process(COMMAND "${shlibdeps}" ${private} --ignore-missing-info -O ${binaries}
  WORKING_DIRECTORY "${source}" OUTPUT_VARIABLE found ERROR_VARIABLE notes RESULT_VARIABLE code)
file(REMOVE_RECURSE "${source}" "${CPACK_TEMPORARY_DIRECTORY}/DEBIAN")
if(code OR NOT found MATCHES "shlibs:Depends=(.+)")
  message(FATAL_ERROR "dpkg-shlibdeps found no dependencies: ${notes}")
endif()
string(STRIP "${CMAKE_MATCH_1}" CPACK_DEBIAN_PACKAGE_DEPENDS)
