# Plain make; tests in Tcl that start servers, kill them,
# crash them, and load modules into them.
system="make, unfold run" source=redis
needs="tcl make procps libjemalloc-dev"
build() { under make -j"$JOBS" V=1 USE_SYSTEM_JEMALLOC=yes && under make -C tests/modules -j"$JOBS"; }
check() {
    local tests=() t
    for t in unit/{scan,dump,auth,protocol,keyspace,info,sort,multi,acl,scripting,functions,pubsub,bitops,hyperloglog,geo,introspection,networking} \
        unit/type/{string,incr,list,set,zset,hash,stream,stream-cgroups} \
        integration/{logging,rdb,aof,shutdown,convert-zipmap-hash-on-load} \
        unit/moduleapi/{hash,zset,stream,blockonkeys,datatype,fork,keyspace_events,scan,timer,infotest,list}; do
        tests+=(--single "$t")
    done
    ./runtest --clients 3 --tags -slow --no-latency "${tests[@]}" | sed -E 's/\x1b\[[0-9;]*m//g'
}
