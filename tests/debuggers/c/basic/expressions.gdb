#: Shows: = 41
#: Shows: name = ADDRESS "origin"
#: Shows: type = struct point {
#: Shows: inner in section .text
break inner
run
print counter
print hidden
print origin
print &origin
print *where
print *where@1
print words
print words[1]
print favourite
print (enum colour) 2
print inner::calls
print &inner::calls
print of_part_calls
print 'part.c'::same_name
print $_exitcode
print *words@2
print/x counter
print origin.name[2]
print &origin.y
print counter == 41 && hidden > 3
print sizeof(struct point)
ptype where
ptype outer
ptype union either
whatis inner
set var counter = 1000
print counter
set var where->name = words[0]
print *where
info symbol inner
info symbol &counter
info symbol &hidden
info symbol &origin
info address counter
info address inner
info line inner
info line main.c:50
info scope inner
info source
info functions of_part
info variables hidden
info types point
info frame
x/4i inner
x/s words[2]
x/1dw &counter
output counter
printf "%d %s\n", counter, words[0]
continue
