# CMake, GoogleTest, and clang.
system="cmake, clang --ld-path" source=leveldb
needs="cmake make clang libgtest-dev libgmock-dev libbenchmark-dev libsnappy-dev"
configured="build/CMakeCache.txt build/CMakeFiles/*/CMakeC*Compiler.cmake build/include/port/port_config.h"
build() {
    local flags=--ld-path=$B/ld
    cmake -S . -B build -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ \
        -DCMAKE_C_COMPILER=clang -DCMAKE_EXE_LINKER_FLAGS="$flags" -DCMAKE_SHARED_LINKER_FLAGS="$flags"
    cmake --build build -j"$JOBS"
}
check() { cd build && ctest --verbose -j"$JOBS"; }
after() { cmake --install build --prefix "$PWD/inst" --strip; }
