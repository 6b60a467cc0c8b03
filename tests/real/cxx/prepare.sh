# A C++ program of ours: streams, exceptions, threads, thread-local and static objects.
out=$REAL/cxx
for f in "$HERE/cxx/"*.cc; do
    compile_both "$out" "$f" "$(basename "$f" .cc)" g++ -std=c++17 -O1 -g -ffunction-sections
done
cp "$HERE/cxx/link.sh" "$out/"
