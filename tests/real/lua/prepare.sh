# The Lua interpreter: 33 objects and a static library, from the Debian source package.
src=$(debian_source lua5.4)/src
out=$REAL/lua
mkdir -p "$out"
# Debian's luaconf.h includes a header that its package build writes.
mkdir -p "$out/include"
echo '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"' > "$out/include/lua5.4-deb-multiarch.h"
flags=(-O2 -g0 -w -I"$src" -I"$out/include" -DLUA_COMPAT_5_3 -DLUA_USE_LINUX)
for f in "$src"/*.c; do
    name=$(basename "$f" .c)
    [ "$name" = luac ] && continue
    compile_both "$out" "$f" "$name" gcc "${flags[@]}"
done
for mode in pie nopie; do
    [ -e "$out/$mode/liblua.a" ] && continue
    (cd "$out/$mode" && ls ./*.o | grep -v '^./lua.o$' | xargs ar rcs liblua.a)
done
cp "$HERE/lua/link.sh" "$HERE/lua/script.lua" "$out/"
