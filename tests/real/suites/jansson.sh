# Autotools and libtool, with clang.
system="autotools, libtool, CC='clang --ld-path'" source=jansson
needs="make clang autoconf automake libtool"
configured="jansson_private_config.h src/jansson_config.h Makefile"
build() {
    autoreconf -fi
    ./configure --prefix="$PWD/inst" CC="clang --ld-path=$B/ld" && make -j"$JOBS"
}
check() { make -k -j"$JOBS" check; }
after() { make install-strip; }
