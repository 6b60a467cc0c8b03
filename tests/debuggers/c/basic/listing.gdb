#: Shows: static int inner
#: Shows: int of_part(int x)
#: Shows: Dump of assembler code for function never_called
#: Shows: End of assembler dump
list inner
list part.c:1,7
list main.c:20
info line twice
disassemble /s never_called
disassemble twice
break never_called
run
list
disassemble /s never_called
info sharedlibrary
info signals SIGUSR1
x/3i $pc
disassemble of_part
disassemble main
