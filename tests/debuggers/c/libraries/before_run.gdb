#: Shows: Breakpoint 1, 
#: Shows: main () at
break puts
break of_part
info breakpoints
run
bt
continue
bt
info sharedlibrary
