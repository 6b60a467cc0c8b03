#: Shows: main::stop_here
#: Shows: = 6
#: Shows: Rectangle
#: Shows: main::Pair<i32>::both
#: Shows: exited normally
break main::stop_here
run
bt
print numbers.length
print numbers.data_ptr[1]
print text
next
print sum
print *shape
up
print tuple
print pair
print text.vec.len
ptype pair
print main::COUNTER
break main::Pair<i32>::both
info functions area
info line main::stop_here
continue
bt
print *self
finish
delete
continue
