#: Shows: script one
#: Shows: script two
#: Shows: exited normally
set auto-load safe-path /
file
file $FOLDER/app
run
