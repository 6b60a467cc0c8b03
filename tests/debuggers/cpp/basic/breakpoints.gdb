#: Shows: Breakpoint 1 at ADDRESS: overloaded. (3 locations)
#: Shows: outer::Box<int, 7>::get
#: Shows: Breakpoint 5, Triangle::area
#: Shows: exited normally
break overloaded
break outer::Box<int, 7>::get
break outer::v2::of_namespace
break 'overloaded(double)'
break Triangle::area
break Shape::Shape
rbreak ^Square::
info breakpoints
run
bt
finish
delete 6
continue
bt
info args
print *this
continue
bt
continue
print x
bt
continue
delete 1 4
continue
bt
finish
continue
bt
info args
print this->size
continue
bt
delete
continue
