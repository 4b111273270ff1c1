// pgx: cached prepared statements in binary, every query mode, batches, COPY, a pool.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	. "scenario"
)

var ctx = context.Background()

func errorText(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return fmt.Sprintf("ERROR %s %s position=%d constraint=%s", e.Code, e.Message, e.Position, e.ConstraintName)
	}
	return "ERROR " + err.Error()
}

func attempt(c *pgx.Conn, sql string, params ...any) string {
	rows, err := c.Query(ctx, sql, params...)
	if err != nil {
		return errorText(err)
	}
	var types []uint32
	for _, f := range rows.FieldDescriptions() {
		if f.DataTypeOID < 16384 {
			types = append(types, f.DataTypeOID)
		}
	}
	got, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		return fmt.Sprint(values), err
	})
	if err != nil {
		return errorText(err)
	}
	return fmt.Sprint(rows.CommandTag(), types, got)
}

func statements(c *pgx.Conn) func() error {
	return func() error {
		for _, s := range Statements() {
			Say(s.Name, attempt(c, s.SQL, s.Params...))
		}
		return nil
	}
}

func values(c *pgx.Conn) func() error {
	return func() error {
		for _, v := range Values() {
			if _, err := c.Exec(ctx, fmt.Sprintf("INSERT INTO samples (user_id, %s) VALUES ($1, $2)", v.Column), pgx.QueryExecModeSimpleProtocol, v.Number, v.Literal); err != nil {
				return err
			}
			Say(fmt.Sprint("value ", v.Number, " ", v.Column), roundTrip(c, v))
		}
		return nil
	}
}

func roundTrip(c *pgx.Conn, v Value) string {
	rows, _ := c.Query(ctx, "SELECT "+v.Column+" FROM samples WHERE user_id = $1", v.Number)
	value, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (any, error) {
		values, err := r.Values()
		if err != nil {
			return nil, err
		}
		return values[0], nil
	})
	if err != nil {
		return err.Error()
	}
	tag, err := c.Exec(ctx, "UPDATE samples SET "+v.Column+" = $2 WHERE user_id = $1", v.Number, value)
	back := tag.String()
	if err != nil { // up to what names an address
		back, _, _ = strings.Cut(err.Error(), " 0x")
	}
	return fmt.Sprintf("%v %s %s", shown(value), back, attempt(c, fmt.Sprint("SELECT ", v.Column, "::text FROM samples WHERE user_id = ", v.Number)))
}

// Without addresses of pointers.
func shown(value any) any {
	text := fmt.Sprintf("%v", value)
	if strings.Contains(text, "0xc0") {
		return fmt.Sprintf("%T", value)
	}
	return text
}

func queryModes(c *pgx.Conn) func() error {
	return func() error {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
			for _, id := range []int64{1, 7, 99} {
				Say(fmt.Sprint(mode, " ", id), attempt(c, "SELECT user_id, email, score FROM users WHERE user_id = $1", mode, id))
			}
			Say(fmt.Sprint(mode, " over shards"), attempt(c, "SELECT user_id, email FROM users ORDER BY user_id LIMIT $1", mode, int64(3)))
		}
		return nil
	}
}

func batch(c *pgx.Conn) func() error {
	return func() error {
		b := &pgx.Batch{}
		for i := 100; i < 150; i++ {
			b.Queue("INSERT INTO users (user_id, email) VALUES ($1, $2) RETURNING user_id", i, fmt.Sprint("b", i))
		}
		results := c.SendBatch(ctx, b)
		var got []int64
		for i := 0; i < b.Len(); i++ {
			var id int64
			if err := results.QueryRow().Scan(&id); err != nil {
				return err
			}
			got = append(got, id)
		}
		results.Close()
		Say("batch", got)
		b = &pgx.Batch{}
		b.Queue("UPDATE users SET score = 555 WHERE user_id = 100")
		b.Queue("UPDATE users SET score = 555 WHERE user_id = 101")
		b.Queue("INSERT INTO users (user_id, email) VALUES (100, 'twice')")
		Say("error in a batch", errorText(c.SendBatch(ctx, b).Close()))
		Say("after the error", attempt(c, "SELECT count(*) FROM users WHERE score = 555"))
		return nil
	}
}

func pipeline(c *pgx.Conn) func() error {
	return func() error {
		p := c.PgConn().StartPipeline(ctx)
		for i := 0; i < 20; i++ {
			p.SendQueryParams("SELECT email FROM users WHERE user_id = $1", [][]byte{[]byte(fmt.Sprint(i))}, nil, nil, nil)
			if i == 10 {
				p.SendQueryParams("SELECT nosuch", nil, nil, nil, nil)
			}
			if i%5 == 4 {
				if err := p.Sync(); err != nil {
					return err
				}
			}
		}
		var got []string
		for {
			results, err := p.GetResults()
			if err != nil {
				got = append(got, errorText(err))
			} else if r, ok := results.(*pgconn.ResultReader); ok {
				read := r.Read()
				got = append(got, fmt.Sprintf("%s %s", read.Rows, read.CommandTag))
			} else if results == nil {
				break
			} else {
				got = append(got, fmt.Sprintf("%T", results))
			}
			if len(got) > 60 {
				break
			}
		}
		Say("pipeline", got)
		return p.Close()
	}
}

func copies(c *pgx.Conn) func() error {
	return func() error {
		n, err := c.CopyFrom(ctx, pgx.Identifier{"users"}, []string{"user_id", "email"}, pgx.CopyFromSlice(100, func(i int) ([]any, error) {
			return []any{int64(200 + i), fmt.Sprint("copy", i)}, nil
		}))
		Say("copy in binary", fmt.Sprint(n, err))
		tag, err := c.PgConn().CopyFrom(ctx, strings.NewReader("300\tx\n301\ty\n"), "COPY users (user_id, email) FROM STDIN")
		Say("copy in text", fmt.Sprint(tag, err))
		_, err = c.PgConn().CopyFrom(ctx, strings.NewReader("302\tx\n1\ty\n"), "COPY users (user_id, email) FROM STDIN")
		Say("copy of a key that is there", errorText(err))
		var out bytes.Buffer
		tag, err = c.PgConn().CopyTo(ctx, &out, "COPY (SELECT user_id, email FROM users WHERE user_id = 204) TO STDOUT (FORMAT csv)")
		Say("copy out", fmt.Sprint(tag, err, out.String()))
		return nil
	}
}

func transactions(c *pgx.Conn) func() error {
	return func() error {
		err := pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			for _, id := range []int{1, 2, 3} {
				if _, err := tx.Exec(ctx, "UPDATE users SET score = 1000 WHERE user_id = $1", id); err != nil {
					return err
				}
			}
			inner, err := tx.Begin(ctx)
			if err != nil {
				return err
			}
			_, err = inner.Exec(ctx, "INSERT INTO users (user_id, email) VALUES (1, 'twice')")
			Say("error in a savepoint", errorText(err))
			return inner.Rollback(ctx)
		})
		if err != nil {
			return err
		}
		Say("transactions", attempt(c, "SELECT user_id FROM users WHERE score = 1000 ORDER BY user_id"))
		err = pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			Say("serializable, read only", attempt(tx.Conn(), "SELECT email FROM users WHERE user_id = $1", 7))
			return nil
		})
		return err
	}
}

func schemaChange(c *pgx.Conn) func() error {
	return func() error {
		const sql = "SELECT * FROM countries WHERE code = $1"
		Say("before a change", attempt(c, sql, "FR"))
		if _, err := c.Exec(ctx, "ALTER TABLE countries ADD COLUMN capital text"); err != nil {
			return err
		}
		Say("first after a change", attempt(c, sql, "FR"))
		Say("second after a change", attempt(c, sql, "FR"))
		_, err := c.Exec(ctx, "ALTER TABLE countries DROP COLUMN capital")
		return err
	}
}

func cancel(c *pgx.Conn) func() error {
	return func() error {
		time.AfterFunc(300*time.Millisecond, func() { c.PgConn().CancelRequest(ctx) })
		Say("cancel", attempt(c, "SELECT pg_sleep(20)"))
		Say("after cancel", attempt(c, "SELECT email FROM users WHERE user_id = 7"))
		limited, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		defer stop()
		other, err := pgx.Connect(ctx, "")
		if err != nil {
			return err
		}
		_, err = other.Exec(limited, "SELECT pg_sleep(20)")
		Say("context that ends", fmt.Sprint(errors.Is(err, context.DeadlineExceeded), other.IsClosed()))
		return nil
	}
}

func pools() error {
	pool, err := pgxpool.New(ctx, "pool_max_conns=4")
	if err != nil {
		return err
	}
	defer pool.Close()
	got := make([]string, 40)
	done := make(chan int)
	for i := range got {
		go func() {
			if err := pool.QueryRow(ctx, "SELECT email FROM users WHERE user_id = $1", i).Scan(&got[i]); err != nil {
				got[i] = err.Error()
			}
			done <- i
		}()
	}
	for range got {
		<-done
	}
	Say("pool", got)
	return nil
}

func connections(c *pgx.Conn) func() error {
	return func() error {
		c.Close(ctx)
		for name, options := range map[string]string{"wrong password": "password=wrong", "unknown database": "dbname=nosuch"} {
			_, err := pgx.Connect(ctx, options)
			Say(name, errorText(err))
		}
		return nil
	}
}

func main() {
	c, err := pgx.Connect(ctx, "")
	if err != nil {
		panic(err)
	}
	Say("connect", attempt(c, "SELECT current_user"))
	for _, sql := range Schema() {
		if _, err := c.Exec(ctx, sql); err != nil {
			panic(err)
		}
	}
	Say("migrate", len(Schema()))
	Part("statements", statements(c))
	Part("values", values(c))
	Part("query modes", queryModes(c))
	Part("batch", batch(c))
	Part("pipeline", pipeline(c))
	Part("copies", copies(c))
	Part("transactions", transactions(c))
	Part("schema change", schemaChange(c))
	Part("cancel", cancel(c))
	Part("pools", pools)
	Part("connections", connections(c))
}
