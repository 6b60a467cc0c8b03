#: Shows: Function "of_plugin" not defined.
#: Shows: Breakpoint 1 (of_plugin) pending.
#: Shows: Breakpoint 1, of_plugin (x=3)
#: Shows: main () at
#: Shows: exited normally
set breakpoint pending on
break of_plugin
break plugin.c:4
run
bt
info sharedlibrary
next
info locals
continue
info breakpoints
finish
continue
