package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
	"github.com/txtrail/txtrail/txid"
)

// compare does the same with SQLite: a file for the process, a row per entry with its
// line, an index of the txids, a write-ahead log, and transactions of as many entries
// as the journal's batches.
func compare(ctx context.Context, c *config, t *table) (err error) {
	db, err := sql.Open("sqlite", c.dbPath+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		"create table entries (id integer primary key, txid text not null, time integer not null, line blob not null)",
		"create index by_txid on entries (txid)",
	} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	g := newGenerator(4, time.Now().UTC().Add(-time.Hour))
	all := routes()
	var ids []txid.ID
	count := make(map[txid.ID]int)
	var cpu time.Duration
	plain := 0
	for n := 0; n < c.sqlite; {
		type rowOf struct {
			id   txid.ID
			at   int64
			line []byte
		}
		var batch []rowOf
		for range 50 * batchSize {
			e := g.next(g.now.Add(time.Millisecond), all)
			count[e.TxID]++
			plain += len(e.Line())
			batch = append(batch, rowOf{e.TxID, e.Time.UnixNano(), e.Line()})
			if n++; n%200 == 0 {
				ids = append(ids, e.TxID)
			}
		}
		start, err := cputime.Process()
		if err != nil {
			return err
		}
		for ; len(batch) > 0; batch = batch[batchSize:] {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			for _, r := range batch[:batchSize] {
				if _, err := tx.ExecContext(ctx, "insert into entries (txid, time, line) values (?, ?, ?)", string(r.id), r.at, r.line); err != nil {
					return err
				}
			}
			if err := tx.Commit(); err != nil {
				return err
			}
		}
		end, err := cputime.Process()
		if err != nil {
			return err
		}
		cpu += end - start
	}
	if _, err := db.ExecContext(ctx, "pragma wal_checkpoint(truncate)"); err != nil {
		return err
	}
	st, err := os.Stat(c.dbPath)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(5, 6))
	warm, err := each(c.lookups, func(int) error {
		id := ids[rng.IntN(len(ids))]
		rows, err := db.QueryContext(ctx, "select line from entries where txid = ? order by time", string(id))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		n := 0
		for rows.Next() {
			var line []byte
			if err := rows.Scan(&line); err != nil {
				return err
			}
			n++
		}
		if n != count[id] {
			return fmt.Errorf("%s: %d rows, want %d", id, n, count[id])
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	t.head(fmt.Sprintf("SQLite, %d entries (not compressed; nobody else writes)", c.sqlite))
	t.line("CPU per entry, in transactions of 20", "%.1f µs", float64(cpu.Nanoseconds())/1000/float64(c.sqlite))
	t.line("size", "%s, %.0f bytes an entry of %d", bytesOf(st.Size()), float64(st.Size())/float64(c.sqlite), plain/c.sqlite)
	t.line("look-up by txid, warm, lines not parsed", "%v", warm)
	return nil
}
