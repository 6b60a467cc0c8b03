# Autotools and libtool; a program that makes the SQL parser is built and run on the way. The tests are the
# testfixture, a Tcl interpreter with SQLite in it; those that count at random are left out.
system="autotools, libtool, unfold run" source=sqlite3
needs="tcl tcl-dev make"
configured="config.h sqlite_cfg.h Makefile"
TESTS="select1 select6 join insert update delete index trigger1 view where where2 expr func alter savepoint
    trans wal wal2 thread001 fkey2 collate1 printf types date like blob malloc
    shared vtab1 fts3aa json101 window1 with1 tkt1435 corrupt pager1 incrblob async notify1 analyze backup"
build() {
    under ./configure --prefix="$PWD/inst" --enable-rtree --enable-fts3 --enable-fts5 --with-tcl=/usr/lib/tcl8.6
    under make -j"$JOBS" all testfixture
}
check() {
    local t
    for t in $TESTS; do
        [ ! -e "test/$t.test" ] || timeout 300 ./testfixture "test/$t.test" 2>&1 || echo "not ok $t: status $?"
    done
}
after() {
    under make install
    "$PWD/inst/bin/sqlite3" :memory: 'select sqlite_version()'
    ldd inst/bin/sqlite3 || true
}
