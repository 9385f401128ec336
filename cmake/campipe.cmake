# What every target here shares, and the three kinds of target there are.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CAMPIPE_CCACHE ccache)
if(CAMPIPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CAMPIPE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CAMPIPE_CCACHE})
endif()

add_library(campipe_options INTERFACE)
target_include_directories(campipe_options INTERFACE ${CMAKE_SOURCE_DIR}/lib)
target_compile_options(campipe_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers $<$<BOOL:${CAMPIPE_WERROR}>:-Werror>
  # GCC 12 sees overlapping copies in std::string operator+ at -O3 that cannot be (its bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>)
target_compile_definitions(campipe_options INTERFACE CAMPIPE_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)

add_link_options(-Wl,--as-needed)

if(CAMPIPE_SANITIZE)
  # vptr looks at memory through a pipe, and tests take all descriptors away.
  add_compile_options(-fsanitize=${CAMPIPE_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CAMPIPE_SANITIZE})
endif()

# campipe_library(NAME SOURCES... [DEPS targets...])
# lib/NAME with its sub-folders as the static library campipe_NAME. Its tests are the *_test.cpp below tests/unit/NAME,
# one program unit_NAME; its fuzz targets are tests/fuzz/NAME_*_fuzz.cpp.
function(campipe_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(campipe_${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(campipe_${name} PUBLIC campipe_options ${ARG_DEPS})

  if(CAMPIPE_TESTS)
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*_test.cpp)
    if(tests)
      add_executable(unit_${name} ${tests})
      # Six files at a time: what they all include is half of the time that tests take to compile. So names that a file has
      # for itself must differ from those of its neighbours.
      set_target_properties(unit_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
      target_include_directories(unit_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
      target_compile_definitions(unit_${name} PRIVATE
        CAMPIPE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" CAMPIPE_BIN="${CMAKE_BINARY_DIR}/bin")
      target_link_libraries(unit_${name} PRIVATE campipe_${name} GTest::gmock GTest::gtest GTest::gtest_main)
      add_test(NAME unit_${name} COMMAND unit_${name})
      set_tests_properties(unit_${name} PROPERTIES LABELS unit TIMEOUT 300)
    endif()

    # Each fuzz target is also a plain program that runs the kept corpus, so that every find stays found.
    file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_*_fuzz.cpp)
    foreach(source IN LISTS fuzzers)
      get_filename_component(fuzzer ${source} NAME_WE)
      if(CAMPIPE_FUZZ)
        add_executable(${fuzzer} ${source})
        target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      else()
        add_executable(${fuzzer} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_main.cpp)
        add_test(NAME corpus_${fuzzer} COMMAND ${fuzzer} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${fuzzer})
        set_tests_properties(corpus_${fuzzer} PROPERTIES LABELS unit TIMEOUT 120)
      endif()
      target_link_libraries(${fuzzer} PRIVATE campipe_${name})
    endforeach()
  endif()
endfunction()

# campipe_tool(NAME SOURCES... [DEPS targets...]): the program NAME, installed, with its shell completion.
function(campipe_tool name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE campipe_cli campipe_cli_app ${ARG_DEPS})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  campipe_completions(${name})
endfunction()
