# libcampipe-ring.so: campipe/ring.h for other programs, with the C++ inside it. Only campipe_ring_* can be seen.
add_library(campipe_ring_shared SHARED api/c_api.cpp)
target_link_libraries(campipe_ring_shared PRIVATE campipe_ring)
target_include_directories(campipe_ring_shared INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_options(campipe_ring_shared PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/ring.map)
set_target_properties(campipe_ring_shared PROPERTIES
  OUTPUT_NAME campipe-ring EXPORT_NAME ring
  VERSION ${PROJECT_VERSION} SOVERSION 0
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/ring.map
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
add_library(campipe::ring ALIAS campipe_ring_shared)

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/campipe-ring)
# Relative to where it is installed, so that a tree may be moved and --prefix be told when installing.
file(RELATIVE_PATH PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(campipe-ring.pc.in campipe-ring.pc @ONLY)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/campipe-ring-config.cmake
  "include(\${CMAKE_CURRENT_LIST_DIR}/campipe-ring-targets.cmake)\n")
write_basic_package_version_file(campipe-ring-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS campipe_ring_shared EXPORT campipe-ring-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ring NAMELINK_COMPONENT ring)
install(FILES include/campipe/ring.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/campipe COMPONENT ring)
install(EXPORT campipe-ring-targets NAMESPACE campipe:: DESTINATION ${package_dir} COMPONENT ring)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/campipe-ring-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/campipe-ring-config-version.cmake
  DESTINATION ${package_dir} COMPONENT ring)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/campipe-ring.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ring)

if(CAMPIPE_TESTS)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/ring_api/*_test.cpp)
  add_executable(unit_ring_api ${tests})
  target_link_libraries(unit_ring_api PRIVATE
    campipe_options campipe_ring_shared campipe_media GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME unit_ring_api COMMAND unit_ring_api)
  set_tests_properties(unit_ring_api PROPERTIES LABELS unit TIMEOUT 300)
endif()
