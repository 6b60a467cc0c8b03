-- Exercises much of SQLite with the same output every time: no clock, no random numbers, no addresses.
.bail off
.headers on
.mode column
CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, people INT CHECK(people >= 0), area REAL,
                  density REAL GENERATED ALWAYS AS (people / area) STORED);
INSERT INTO city(name, people, area) VALUES ('Alder', 120000, 61.5), ('Birch', 8800, 12.25), ('Cedar', 0, 3.0),
                                            ('Dogwood', 2410000, 811.75), ('Elm', 56000, 44.0);
SELECT name, printf('%9.2f', density) AS density FROM city ORDER BY density DESC;

-- Errors go to stderr and do not end the script.
INSERT INTO city(name, people, area) VALUES ('Alder', 1, 1);
INSERT INTO city(name, people, area) VALUES ('Fir', -1, 1);
SELECT * FROM nowhere;
SELECT this is not SQL;

-- Upsert, RETURNING, savepoints, triggers, views.
CREATE TABLE log(n INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER grew AFTER UPDATE OF people ON city WHEN new.people > old.people
BEGIN INSERT INTO log(what) VALUES (old.name || ': ' || old.people || ' -> ' || new.people); END;
INSERT INTO city(name, people, area) VALUES ('Birch', 9100, 12.25), ('Fir', 77, 2.5)
  ON CONFLICT(name) DO UPDATE SET people = excluded.people RETURNING id, name, people;
BEGIN; SAVEPOINT a; UPDATE city SET people = people + 1; SAVEPOINT b; DELETE FROM city; ROLLBACK TO b; RELEASE a; COMMIT;
SELECT * FROM log;
CREATE VIEW big AS SELECT name, people FROM city WHERE people > 10000;
SELECT group_concat(name, ' < ') FROM (SELECT name FROM big ORDER BY people);

-- Recursive queries and window functions.
.mode list
WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib LIMIT 60) SELECT max(a) FROM fib;
WITH RECURSIVE x(i, c) AS (SELECT 0, -2.0 UNION ALL SELECT i + 1, c + 0.0625 FROM x WHERE i < 48),
  y(j, d) AS (SELECT 0, -1.0 UNION ALL SELECT j + 1, d + 0.125 FROM y WHERE j < 16),
  m(n, c, d, a, b) AS (SELECT 0, c, d, 0.0, 0.0 FROM x, y
     UNION ALL SELECT n + 1, c, d, a * a - b * b + c, 2.0 * a * b + d FROM m WHERE a * a + b * b < 4.0 AND n < 28),
  deep(n, c, d) AS (SELECT max(n), c, d FROM m GROUP BY c, d)
SELECT group_concat(substr(' .+*#', 1 + min(n / 7, 4), 1), '') FROM deep GROUP BY d ORDER BY d;
SELECT name, rank() OVER w, round(percent_rank() OVER w, 3), lag(name, 1, '-') OVER w,
       sum(people) OVER (w ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), ntile(3) OVER w
  FROM city WINDOW w AS (ORDER BY people);

-- A larger table, indices, plans, joins, aggregates, sorting that spills.
CREATE TABLE item(id INTEGER PRIMARY KEY, k INT, v TEXT, w REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO item SELECT i, (i * 7919) % 10007, hex(i * 2654435761 % 4294967296), i * 0.5 FROM n;
CREATE INDEX item_k ON item(k);
CREATE INDEX item_v ON item(v COLLATE NOCASE) WHERE k < 500;
ANALYZE;
EXPLAIN QUERY PLAN SELECT a.v FROM item a JOIN item b ON a.k = b.k AND a.id < b.id WHERE a.k BETWEEN 10 AND 20 ORDER BY b.w;
SELECT count(*), sum(a.w), min(b.v), max(a.v) FROM item a JOIN item b ON a.k = b.k AND a.id < b.id;
SELECT k % 10 AS d, count(*), avg(w), total(k), count(DISTINCT v) FROM item GROUP BY d HAVING d <> 3 ORDER BY 3 DESC;
SELECT id, v FROM item ORDER BY v DESC, w LIMIT 5 OFFSET 1000;
UPDATE item SET v = lower(v) WHERE k IN (SELECT k FROM item GROUP BY k HAVING count(*) > 3);
DELETE FROM item WHERE id % 17 = 0;
SELECT changes(), total_changes() > 0, (SELECT count(*) FROM item);
SELECT v FROM item EXCEPT SELECT upper(v) FROM item ORDER BY v LIMIT 3;
SELECT count(*) FROM item NOT INDEXED WHERE v GLOB '[a-f]*' OR v LIKE '%9' ESCAPE '\';

-- Functions: text, numbers, dates (fixed), blobs, mathematics.
SELECT substr('unfolding', 3, 4), instr('abcdef', 'de'), replace('aXbX', 'X', '--'), trim('  x '), quote('it''s'),
       unicode('é'), char(9731, 65), length('naïve'), upper('naïve'), typeof(1e3), typeof(x'00ff'), hex(zeroblob(3));
SELECT 7 / 2, 7 % 3, -7 / 2, 7.0 / 2, 1 << 40, 255 & 129, ~0, 9223372036854775807 + 1, 0.1 + 0.2, 1e308 * 10, abs(-5), round(2.5);
SELECT sqrt(2), pow(2, 0.5), ln(10), sin(1), cos(1), atan2(1, 2), exp(1), log2(1024), ceil(1.2), floor(-1.2), pi();
SELECT date('2024-02-29', '+1 year'), datetime(0, 'unixepoch'), strftime('%Y-%j %H:%M:%f', 2460000.75), julianday('2000-01-01'),
       time('12:00', '-90 minutes'), strftime('%w', '1999-12-31');
SELECT CAST('12abc' AS INT), CAST(x'313233' AS TEXT), CAST(3.99 AS INT), '10' + 5, 'a' || 1, NULL IS NULL, 3 BETWEEN 1 AND 5,
       iif(0, 'x', 'y'), coalesce(NULL, 7), nullif(3, 3), likelihood(1, 0.5), min(3, 1, 2), format('%05d|%-6s|%x|%e|%q', 42, 'ab', 255, 1234.5, 'o''k');

-- JSON.
SELECT json('{"a" : [1, 2.5, "x", null, true], "b": {"c": "\u00e9"}}'), json_extract('{"a":[1,{"b":7}]}', '$.a[1].b'), '{"q":[5,6]}' -> '$.q' ->> 1;
SELECT key, value, type, fullkey FROM json_tree('{"name":"x","list":[1,[2,3],{"y":null}]}');
SELECT json_group_array(name), json_group_object(name, people) FROM (SELECT name, people FROM city ORDER BY name);
SELECT json_set('{}', '$.a', json('[1]'), '$.b', 2), json_patch('{"a":1,"b":2}', '{"a":null,"c":3}'), json_valid('{oops');
SELECT json('{oops');

-- Full text search and R-tree.
CREATE VIRTUAL TABLE doc USING fts5(title, body, tokenize = 'porter unicode61');
INSERT INTO doc VALUES ('Lazy linking', 'pages are relocated when they are touched, and never before'),
  ('Eager linking', 'every relocation is applied before the program starts'), ('Gardening', 'birch and elm, touched by frost');
SELECT title, highlight(doc, 1, '[', ']'), round(bm25(doc), 4) FROM doc WHERE doc MATCH 'relocat* OR touch' ORDER BY rank;
SELECT snippet(doc, 1, '<', '>', '..', 4) FROM doc WHERE doc MATCH 'NEAR(program starts) NOT frost';
INSERT INTO doc(doc) VALUES ('optimize'); INSERT INTO doc(doc) VALUES ('integrity-check');
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO box SELECT i, i % 50, i % 50 + 0.5, i / 50, i / 50 + 0.5 FROM n;
SELECT count(*), min(id), max(id) FROM box WHERE x0 >= 10 AND x1 <= 20 AND y0 >= 5 AND y1 <= 9;

-- Constraints, foreign keys, WITHOUT ROWID, STRICT, ALTER.
PRAGMA foreign_keys = ON;
CREATE TABLE parent(a TEXT, b INT, PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE child(a TEXT, b INT, note TEXT DEFAULT 'none', FOREIGN KEY(a, b) REFERENCES parent ON DELETE CASCADE) STRICT;
INSERT INTO parent VALUES ('p', 1), ('p', 2); INSERT INTO child(a, b) VALUES ('p', 1), ('p', 2);
INSERT INTO child(a, b) VALUES ('q', 9);
INSERT INTO child(a, b) VALUES ('p', 'text');
DELETE FROM parent WHERE b = 1; SELECT * FROM child;
ALTER TABLE child RENAME COLUMN note TO remark; ALTER TABLE child ADD COLUMN more BLOB; ALTER TABLE child RENAME TO heir;
.schema heir

-- The shell: output modes, files, import, subprocesses, hashes.
.mode json
SELECT name, people, area FROM city WHERE id < 3;
.mode markdown
SELECT name, people FROM city WHERE id > 3;
.mode box
SELECT 1 AS one, 'two' AS two, NULL AS three;
.mode insert copy
SELECT id, name, NULL, x'00ff' FROM city LIMIT 2;
.mode quote
SELECT 'a', 1.5, NULL, x'61';
.mode csv
.output city.csv
SELECT name, people, area FROM city ORDER BY id;
.output stdout
.mode list
CREATE TABLE again(name, people, area);
.import --csv --skip 1 city.csv again
SELECT count(*), sum(people), sum(area) FROM again;
.shell wc -c city.csv
.once |sort -r
SELECT name FROM city;
.sha3sum
.backup copy.db
VACUUM INTO 'packed.db';
ATTACH 'packed.db' AS packed; SELECT count(*) FROM packed.item; DETACH packed;
.dump heir parent
SELECT name, sum(ncell) > 0 FROM dbstat GROUP BY name ORDER BY name LIMIT 4;
PRAGMA integrity_check; PRAGMA user_version = 7; PRAGMA user_version; PRAGMA page_count; PRAGMA foreign_key_check;
.explain on
EXPLAIN SELECT name FROM city WHERE id = 3;
DROP TABLE item; VACUUM;
.tables
.exit 5
