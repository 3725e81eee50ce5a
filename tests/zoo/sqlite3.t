#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3: tables, indexes, errors.
. "${0%/*}/../lib/zoo.sh"
need sqlite3
cat >work.sql <<'SQL'
create table t (a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i, 'text ' || (i * 7919 % 1009) from n;
create index tb on t (b);
select count(*), count(distinct b), sum(a) from t;
select b, count(*) c from t group by b order by c desc, b limit 3;
delete from t where a % 3 = 0;
vacuum;
select count(*) from t;
SQL
INPUT=work.sql
exact "a session" sqlite3 :memory:
exact "a mistake" sqlite3 -batch :memory: 'select * from nowhere'
exact "a file" sqlite3 file.db 'create table if not exists t (a); delete from t; insert into t values (1); select count(*) from t'
done_testing
