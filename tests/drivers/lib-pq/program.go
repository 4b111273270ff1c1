// lib/pq behind database/sql: unnamed and prepared statements in text, COPY, contexts.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/lib/pq"
	. "scenario"
)

var ctx = context.Background()

func errorText(err error) string {
	if e, ok := err.(*pq.Error); ok {
		return fmt.Sprintf("ERROR %s %s position=%s constraint=%s", e.Code, e.Message, e.Position, e.Constraint)
	}
	return "ERROR " + err.Error()
}

type queryer interface {
	QueryContext(ctx context.Context, sql string, params ...any) (*sql.Rows, error)
}

func attempt(q queryer, sql string, params ...any) string {
	for i, p := range params {
		if list, ok := p.([]int64); ok {
			params[i] = pq.Array(list)
		}
	}
	rows, err := q.QueryContext(ctx, sql, params...)
	if err != nil {
		return errorText(err)
	}
	return collect(rows)
}

func collect(rows *sql.Rows) string {
	defer rows.Close()
	columns, _ := rows.Columns()
	var got [][]string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err.Error()
		}
		row := make([]string, len(columns))
		for i := range values {
			row[i] = readable(*values[i].(*any))
		}
		got = append(got, row)
	}
	if err := rows.Err(); err != nil {
		return errorText(err)
	}
	return fmt.Sprint(columns, got)
}

func readable(v any) string {
	if b, ok := v.([]byte); ok {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%T %v", v, v)
}

func exec(c *sql.Conn, text string, params ...any) string {
	r, err := c.ExecContext(ctx, text, params...)
	if err != nil {
		return errorText(err)
	}
	n, _ := r.RowsAffected()
	return fmt.Sprint(n, " rows")
}

func statements(c *sql.Conn) error {
	for _, s := range Statements() {
		Say(s.Name, attempt(c, s.SQL, s.Params...))
	}
	return nil
}

func values(c *sql.Conn) error {
	for _, v := range Values() {
		c.ExecContext(ctx, fmt.Sprintf("INSERT INTO samples (user_id, %s) VALUES ($1, $2)", v.Column), v.Number, v.Literal)
		var value any
		if err := c.QueryRowContext(ctx, "SELECT "+v.Column+" FROM samples WHERE user_id = $1", v.Number).Scan(&value); err != nil {
			return err
		}
		back := exec(c, "UPDATE samples SET "+v.Column+" = $2 WHERE user_id = $1", v.Number, value)
		text := attempt(c, fmt.Sprint("SELECT ", v.Column, "::text FROM samples WHERE user_id = ", v.Number))
		Say(fmt.Sprint("value ", v.Number, " ", v.Column), readable(value)+" "+back+" "+text)
	}
	return nil
}

func prepared(c *sql.Conn) error {
	s, err := c.PrepareContext(ctx, "SELECT email FROM users WHERE user_id = $1")
	if err != nil {
		return err
	}
	defer s.Close()
	var got []string
	for i := 0; i < 60; i++ {
		rows, err := s.Query(i)
		if err != nil {
			return err
		}
		got = append(got, collect(rows))
	}
	Say("prepared many times", got)
	return nil
}

func copies(c *sql.Conn) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	s, err := tx.Prepare(pq.CopyIn("users", "user_id", "email"))
	if err != nil {
		return err
	}
	for i := 200; i < 300; i++ {
		if _, err := s.Exec(i, fmt.Sprint("copy", i)); err != nil {
			return err
		}
	}
	r, err := s.Exec()
	if err != nil {
		return err
	}
	n, _ := r.RowsAffected()
	s.Close()
	Say("copy in", fmt.Sprint(n, tx.Commit()))
	Say("after the copy", attempt(c, "SELECT count(*), min(email), max(email) FROM users WHERE user_id >= 200"))
	return nil
}

func transactions(c *sql.Conn) error {
	tx, err := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	for _, id := range []int{1, 2, 3} {
		if _, err := tx.Exec("UPDATE users SET score = 1000 WHERE user_id = $1", id); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	tx, err = c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true})
	if err != nil {
		return err
	}
	Say("serializable", attempt(tx, "SELECT email FROM users WHERE user_id = $1", 7))
	_, err = tx.Exec("UPDATE users SET score = 1 WHERE user_id = $1", 7)
	Say("read only", errorText(err))
	Say("commit of a failed one", fmt.Sprint(tx.Commit()))
	Say("transactions", attempt(c, "SELECT user_id FROM users WHERE score = 1000 ORDER BY user_id"))
	Say("several statements", exec(c, "UPDATE users SET score = 1 WHERE user_id = 1; UPDATE users SET score = 2 WHERE user_id = 2"))
	return nil
}

func cancel(c *sql.Conn) error {
	limited, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	_, err := c.ExecContext(limited, "SELECT pg_sleep(20)")
	Say("cancel", errorText(err))
	return nil
}

func pool(db *sql.DB) error {
	db.SetMaxOpenConns(4)
	got := make([]string, 40)
	var wait sync.WaitGroup
	for i := range got {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			got[i] = attempt(db, "SELECT email FROM users WHERE user_id = $1", i)
		}(i)
	}
	wait.Wait()
	Say("pool", got)
	return nil
}

func connections() error {
	for _, options := range []string{"password=wrong", "dbname=nosuch"} {
		db, _ := sql.Open("postgres", options)
		Say(options, errorText(db.Ping()))
		db.Close()
	}
	db, _ := sql.Open("postgres", "binary_parameters=yes application_name=again search_path=public")
	defer db.Close()
	Say("binary parameters", attempt(db, "SELECT user_id, email, $2::text FROM users WHERE user_id = $1", int64(7), "x"))
	Say("settings at the start", attempt(db, "SHOW search_path"))
	return nil
}

func main() {
	db, err := sql.Open("postgres", "")
	if err != nil {
		panic(err)
	}
	c, err := db.Conn(ctx)
	if err != nil {
		panic(err)
	}
	Say("connect", attempt(c, "SELECT current_user"))
	for _, text := range Schema() {
		Say("migrate", exec(c, text))
	}
	Part("statements", func() error { return statements(c) })
	Part("values", func() error { return values(c) })
	Part("prepared", func() error { return prepared(c) })
	Part("copies", func() error { return copies(c) })
	Part("transactions", func() error { return transactions(c) })
	Part("cancel", func() error { return cancel(c) })
	Part("pool", func() error { return pool(db) })
	Part("connections", connections)
}
