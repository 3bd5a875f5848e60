"""A client of the package psycopg: postgres_client.py PORT. Fails with a trace."""
import sys
import threading

import psycopg

port = int(sys.argv[1])
ROWS = 100_000


def dial(**more):
    return psycopg.connect(host="127.0.0.1", port=port, user="weft", dbname="postgres", connect_timeout=30, **more)


def queries(db):
    assert db.execute("select 6 * 7").fetchone() == (42,)
    assert len(db.execute("select repeat('w', 5000000)").fetchone()[0]) == 5_000_000
    try:
        db.execute("select nonsense")
        raise AssertionError("it is known")
    except psycopg.errors.UndefinedColumn:
        db.rollback()


def pipelines(db):
    with db.pipeline():
        cursors = [db.execute("select %s::int", (number,)) for number in range(1000)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(1000))


def copies(db):
    """100,000 rows in and out."""
    db.execute("create temp table shelf (number int, name text)")
    cursor = db.cursor()
    with cursor.copy("copy shelf from stdin") as copy:
        for number in range(ROWS):
            copy.write_row((number, f"row {number} " + "x" * (number % 50)))
    assert db.execute("select count(*), sum(number) from shelf").fetchone() == (ROWS, ROWS * (ROWS - 1) // 2)
    seen = 0
    with cursor.copy("copy shelf to stdout") as copy:
        for row in copy.rows():
            assert row == (str(seen), f"row {seen} " + "x" * (seen % 50)), row
            seen += 1
    assert seen == ROWS, seen


def notifications(_):
    with dial(autocommit=True) as listener, dial(autocommit=True) as speaker:
        listener.execute("listen news")
        for number in range(20):
            speaker.execute("select pg_notify('news', %s)", (f"item {number}",))
            said = next(listener.notifies(timeout=30, stop_after=1))
            assert said.payload == f"item {number}", said


def cancellation(db):
    """A second connection stops what the first does."""
    with dial(autocommit=True) as sleeper:
        ended = []

        def sleep():
            try:
                sleeper.execute("select pg_sleep(60)")
            except psycopg.errors.QueryCanceled:
                ended.append(True)

        sleeping = threading.Thread(target=sleep)
        sleeping.start()
        pid = sleeper.info.backend_pid
        while db.execute("select count(*) from pg_stat_activity where pid = %s and wait_event = 'PgSleep'", (pid,)).fetchone() == (0,):
            db.rollback()
        sleeper.cancel_safe()
        sleeping.join()
        assert ended


for scenario in (queries, pipelines, copies, notifications, cancellation):
    with dial() as connection:
        scenario(connection)
    print("ok", scenario.__name__, flush=True)
