#: Shows: Breakpoint 1
#: Shows: deeper (depth=...)
#: Shows: catcher (depth=...)
break __cxa_throw
info breakpoints
run
bt -frame-arguments none
info sharedlibrary
continue
bt -frame-arguments none
continue
