#: Shows: inner was called with 1
#: Shows: inner was called with 3
#: Shows: exited normally
break inner
commands
silent
printf "inner was called with %d\n", depth
bt 2
continue
end
dprintf part.c:6, "of_part %d\n", x
run
