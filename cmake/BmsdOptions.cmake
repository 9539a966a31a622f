# Compiler settings and the two kinds of targets that the project has.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# Line numbers for backtraces are enough, and build in half the time of full debug information.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

option(BUILD_TESTING "Build the tests" ON)
option(BMSD_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(BMSD_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

add_compile_options(-Wall -Wextra -Wpedantic -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Its garbage collector runs from 128 MB on, which a precompiled header alone fills: a tenth of the time.
  add_compile_options(--param=ggc-min-heapsize=600000)
endif()
if(NOT BMSD_SANITIZE) # clang 14 cannot have coroutines, sanitizers and sections at once
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()
if(BMSD_SANITIZE)
  add_compile_options(-fsanitize=${BMSD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BMSD_SANITIZE})
endif()
add_compile_definitions(BMSD_VERSION="${PROJECT_VERSION}")

# bmsd_library(NAME LINK public... PRIVATE private...): the static library of one top-level folder.
# Its headers are reached as "NAME/..." through a directory that holds nothing but this folder, so
# that including a folder without linking to it does not compile. A folder in it may be a library too:
# bmsd_library(app/sim ...) before bmsd_library(app ...) is bmsd_sim, and no part of bmsd_app.
function(bmsd_library folder)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
  get_filename_component(name ${folder} NAME)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main_[a-z]+\\.cpp$")
  get_property(taken GLOBAL PROPERTY BMSD_TAKEN)
  if(taken)
    list(REMOVE_ITEM sources ${taken})
  endif()
  set_property(GLOBAL APPEND PROPERTY BMSD_TAKEN ${sources})
  set(gate ${CMAKE_BINARY_DIR}/include/${name})
  get_filename_component(parent ${gate}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${gate}/${folder} SYMBOLIC)
  if(sources)
    add_library(bmsd_${name} STATIC ${sources})
    target_include_directories(bmsd_${name} PUBLIC ${gate})
    target_link_libraries(bmsd_${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(bmsd_${name} INTERFACE)
    target_include_directories(bmsd_${name} INTERFACE ${gate})
    target_link_libraries(bmsd_${name} INTERFACE ${ARG_LINK})
  endif()
endfunction()

# bmsd_program(NAME): build/NAME from app/main_NAME.cpp.
function(bmsd_program name)
  if(EXISTS ${CMAKE_SOURCE_DIR}/app/main_${name}.cpp)
    add_executable(${name} ${CMAKE_SOURCE_DIR}/app/main_${name}.cpp)
    target_link_libraries(${name} PRIVATE bmsd_app)
  endif()
endfunction()
