#: Shows: #define SQUARE(x) ((x) * (x))
#: Shows: = 12
#: Shows: expands to: ((i) * (i))
#: Shows: = 25
break 8
info macro SQUARE
run
info macro SQUARE
print LIMIT
macro expand SQUARE(i)
print SQUARE(5)
info source
