# irc, a compiler of a few dozen lines linked against the static archives of LLVM 14 with all its
# targets, and IR inputs for it: small.ll (a page of C), large.ll (the core of Lua: about a second),
# huge.ll (all of SQLite: half a minute).
need_packages llvm-14-dev clang-14 zlib1g-dev libxml2-dev libtinfo-dev libz3-dev
out=$REAL/llvm
mkdir -p "$out"
[ -e "$REAL/sqlite/src/sqlite3.c" ] || (. "$HERE/sqlite/prepare.sh")
[ -e "$REAL/lua/include" ] || (. "$HERE/lua/prepare.sh")
lua=$(debian_source lua5.4)/src

# The archives, in the order in which a one-pass linker wants them.
llvm-config-14 --link-static --ldflags --libs all-targets passes irreader --system-libs | tr '\n' ' ' > "$out/libs"

flags=(-O2 -g0 $(llvm-config-14 --cppflags) -std=c++14 -I"$HERE/llvm")
for name in main emit; do
    compile_both "$out" "$HERE/llvm/$name.cc" $name g++ "${flags[@]}"
done
# The edited object in its variants: two of one size, and a larger one.
for edit in 0 1 2; do
    compile_both "$out" "$HERE/llvm/report.cc" report-$edit g++ "${flags[@]}" -DEDIT=$edit
done

# Front-end output as the O1 pipeline would be given it, so that the optimiser has everything to do.
ir() {
    [ "$1" -nt "$2" ] && return
    clang-14 -S -emit-llvm -O1 -Xclang -disable-llvm-passes -w "${@:3}" "$2" -o "$1.tmp"
    mv "$1.tmp" "$1"
}
ir "$out/small.ll" "$HERE/llvm/small.c"
ir "$out/huge.ll" "$REAL/sqlite/src/sqlite3.c" -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE
if [ ! -e "$out/large.ll" ]; then
    mkdir -p "$out/lua"
    for name in lvm lparser lcode lgc lapi; do
        ir "$out/lua/$name.ll" "$lua/$name.c" -DLUA_USE_LINUX -I"$REAL/lua/include"
    done
    llvm-link-14 -S "$out/lua/"*.ll -o "$out/large.ll.tmp"
    mv "$out/large.ll.tmp" "$out/large.ll"
fi
printf 'define i32 @broken( {\n' > "$out/broken.ll"
cp "$HERE/llvm/link.sh" "$out/"
