# Autotools and libtool, C, C++ and assembler; programs that make tables are built and run on the way.
system="autotools, libtool, unfold run" source=gmp
needs="m4 make"
configured="config.h config.m4 gmp.h mpn/gen-bases.c fac_table.h mp_bases.h trialdivtab.h"
build() {
    mkdir -p doc && printf 'all check install:\n' > doc/Makefile.in # Debian's source has no documentation
    under ./configure --enable-cxx --prefix="$PWD/inst" && under make -j"$JOBS"
}
check() { under make -k -j"$JOBS" check; }
after() { under make install; }
