#: Shows: Breakpoint 1, one (x=3)
#: Shows: back (x=3)
#: Shows: in plain ()
#: Shows: main ()
#: Shows: in two ()
#: Shows: by_hand ()
break one
break two
break by_hand
break hidden
info breakpoints
run
bt
info args
continue
bt
continue
bt
continue
bt
continue
bt
finish
info symbol plain
info line plain
info line one
disassemble plain
info functions plain
info scope plain
ptype two
print two
continue
