# Autotools and libtool, which drops a -B in LDFLAGS: it belongs to the compiler's name. Programs are installed
# stripped.
system="autotools, libtool, CC='gcc -B'" source=libsodium
needs="make autoconf automake libtool"
configured="defines Makefile"
build() {
    autoreconf -fi
    ./configure --prefix="$PWD/inst" CC="gcc -B$B"
    grep -E "^(ac|lt)_cv_[a-z0-9_]*=|^#define" config.log > defines
    make -j"$JOBS"
}
check() { make -k -j"$JOBS" check; }
after() { make install-strip; }
