# SQLite shell: the amalgamation and shell.c, made from the Debian source package, in two objects.
src=$(debian_source sqlite3)
out=$REAL/sqlite
mkdir -p "$out"
if [ ! -e "$out/src/shell.c" ]; then
    need_packages tcl make
    mkdir -p "$out/src" "$out/amalgamation"
    (cd "$out/amalgamation" && "$src/configure" --disable-tcl --disable-readline && make sqlite3.c shell.c) \
        >"$out/amalgamation.log" 2>&1 || die "the amalgamation was not made: see $out/amalgamation.log"
    cp "$out/amalgamation/"{sqlite3.c,sqlite3.h,sqlite3ext.h,shell.c} "$out/src/"
fi
flags=(-O2 -g0 -w -I"$out/src" -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE
       -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_EXPLAIN_COMMENTS
       -DHAVE_READLINE=0)
compile_both "$out" "$out/src/sqlite3.c" sqlite3 gcc "${flags[@]}"
compile_both "$out" "$out/src/shell.c" shell gcc "${flags[@]}"
cp "$HERE/sqlite/link.sh" "$HERE/sqlite/script.sql" "$out/"
