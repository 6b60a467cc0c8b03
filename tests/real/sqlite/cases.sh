# What run.sh does with the SQLite shell: a long script, its database files, and a failing command line.
MODES="pie nopie static static-pie"
execute() {
    cp "$HERE/sqlite/script.sql" .
    step_with script.sql script "$1" -batch main.db
    step reopened "$1" -readonly main.db 'PRAGMA integrity_check; SELECT name, people FROM city;'
    step version "$1" -version
    step usage "$1" -no-such-option
    step missing "$1" -readonly no/such/folder/x.db 'SELECT 1'
}
