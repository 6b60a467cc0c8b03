#: Shows: called (x=5)
#: Shows: routine ()
#: Shows: main ()
#: Shows: = 77
#: Shows: add $48, %rsp
break called
run
bt
up
print $ebx
info symbol $pc
list
disassemble /s routine
finish
stepi
stepi
bt
nexti
nexti
bt
continue
