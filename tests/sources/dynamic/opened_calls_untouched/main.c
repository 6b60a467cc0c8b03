//#Shared: libplugin.so = plugin.c
//#Shared: libisolated.so = isolated.c
//#Link: main.c
//#LinkFlags: -rdynamic -ldl
//#Flags: -O1
//#Args: $LIB/libplugin.so $LIB/libisolated.so
//#Stdout: constructor: 13
//#Stdout: now: 50
//#Stdout: destructor: 23
//#Stdout: atexit: 33
//#Stdout: constructor: 13
//#Stdout: lazy: 50
//#Stdout: destructor: 23
//#Stdout: atexit: 33
//#Stdout: constructor: 13
//#Stdout: global: 50
//#Stdout: destructor: 23
//#Stdout: atexit: 33
//#Stdout: constructor: 13
//#Stdout: deep: 50
//#Stdout: destructor: 23
//#Stdout: atexit: 33
//#Stdout: in a namespace of its own: 47
//#Stdout: opened in a thread: 50
// Opened libraries call code of the program that was never touched: while they are relocated, constructed, run and
// destructed. Each way of opening is tried in a process of its own.
#define _GNU_SOURCE
#include "../../../fixtures/far.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

FAR_FUNCTION(host_add, 3)
int host_log(const char *what, int x) {
    FAR(x);
    int result = printf("%s: %d\n", what, x);
    FAR(x);
    return result;
}
FAR_FUNCTION(callback, 42)

static void try(const char *name, const char *path, int flags) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        void *plugin = dlopen(path, flags);
        int (*plugin_run)(int (*)(int)) = plugin ? (int (*)(int (*)(int)))dlsym(plugin, "plugin_run") : NULL;
        if (!plugin_run) {
            puts(dlerror());
            _exit(1);
        }
        printf("%s: %d\n", name, plugin_run(callback));
        dlclose(plugin);
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status)
        printf("%s: status %x\n", name, status);
}
static void *in_thread(void *path) {
    void *plugin = dlopen(path, RTLD_NOW);
    int (*isolated)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(plugin, "isolated_run");
    return (void *)(long)isolated(callback, host_add(5));
}

int main(int argc, char **argv) {
    try("now", argv[1], RTLD_NOW);
    try("lazy", argv[1], RTLD_LAZY);
    try("global", argv[1], RTLD_LAZY | RTLD_GLOBAL);
    try("deep", argv[1], RTLD_NOW | RTLD_DEEPBIND);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        void *isolated = dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW);
        int (*isolated_run)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(isolated, "isolated_run");
        printf("in a namespace of its own: %d\n", isolated_run(callback, 5));
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, in_thread, argv[2]);
    pthread_join(thread, &result);
    printf("opened in a thread: %d\n", (int)(long)result);
    return 0;
}
