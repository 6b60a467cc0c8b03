#: Shows: "second"
#: Shows: Breakpoint 2, length (text=ADDRESS <line> "a first line\n")
#: Shows: 13: a first line
#: Shows: exited with code 03
#: Shows: exited with code 04
break main
run first second < $SRC/input.txt
print argc
print argv[1]
print *argv@argc
break length
continue
next
info locals
continue
print line
delete
continue
set args one 'two words' "$HOME" < /dev/null
show args
run
print $_exitcode
set environment COLOUR=red
show environment COLOUR
