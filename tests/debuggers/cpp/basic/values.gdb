#: Shows: stop_here
#: Shows: vtable for
break stop_here
run
bt
up
print text
print numbers
print map
print box
print other
print outer::counter
print outer::Box<int, 7>::zero
print Triangle::made
print local
ptype box
ptype Shape
info vtbl plain
set print object on
set print vtbl on
print *(Triangle *) plain
print *plain
info symbol *(void **) plain
whatis outer::v2::of_namespace
info functions overloaded
info line Triangle::area
continue
