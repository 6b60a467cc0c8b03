# Hand-written configure; `make check` links against the static and the shared library.
system="configure, unfold run" source=zlib
configured="zconf.h Makefile"
build() { under ./configure --prefix="$PWD/inst" && under make -j"$JOBS"; }
check() { under make check; }
after() { under make install && printf 'x%.0s' {1..9999} | ./minigzip | ./minigzip -d | cksum; }
