#: Shows: = 78
#: Shows: = {a = 1, b = 2}
#: Shows: = 107
#: Shows: b = 214
#: Shows: = 43
#: Ignore: ^\[(New (Thread|process)|Thread .* exited)
break stop_here
run
print of_thread
print pair
print of_part
print of_library
continue
print of_thread
print pair
print of_part
print of_library
thread apply all print of_thread
print &of_thread
ptype pair
continue
print of_thread
