// Package scenario reads the scenario's files and prints its lines.
package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type Statement struct {
	Name, SQL string
	Params    []any
}

type Value struct {
	Number  int
	Column  string
	Literal *string
}

func lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(os.Getenv("SCENARIO"), name))
	if err != nil {
		panic(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func param(text string) any {
	kind, value, _ := strings.Cut(text, ":")
	switch kind {
	case "int8":
		n, _ := strconv.ParseInt(value, 10, 64)
		return n
	case "int4":
		n, _ := strconv.ParseInt(value, 10, 32)
		return int32(n)
	case "null":
		return nil
	case "int8[]":
		var list []int64
		for _, part := range strings.Split(value, ",") {
			n, _ := strconv.ParseInt(part, 10, 64)
			list = append(list, n)
		}
		return list
	}
	return value
}

func Statements() (all []Statement) {
	for _, line := range lines("statements.tsv") {
		f := strings.Split(line, "\t")
		s := Statement{Name: f[0], SQL: f[1]}
		for _, p := range strings.Split(f[2], "|") {
			if p != "" {
				s.Params = append(s.Params, param(p))
			}
		}
		all = append(all, s)
	}
	return
}

func Values() (all []Value) {
	for i, line := range lines("values.tsv") {
		column, literal, _ := strings.Cut(line, "\t")
		v := Value{Number: i + 1, Column: `"` + column + `"`}
		if literal != `\N` {
			v.Literal = &literal
		}
		all = append(all, v)
	}
	return
}

func Schema() (all []string) {
	var kept []string
	for _, line := range lines("schema.sql") {
		if !strings.HasPrefix(line, "--") {
			kept = append(kept, line)
		}
	}
	for _, s := range strings.Split(strings.Join(kept, "\n")+"\n", ";\n") {
		if strings.TrimSpace(s) != "" {
			all = append(all, s)
		}
	}
	return
}

func Say(name string, value any) {
	line := fmt.Sprintf("%s: %v", name, value)
	fmt.Println(strings.ReplaceAll(strings.ReplaceAll(line, `\`, `\\`), "\n", `\n`))
}

// Part runs one part of a program: an error ends it, says so, and the next one runs.
func Part(name string, part func() error) {
	if err := part(); err != nil {
		Say(name+" ended by", err)
	}
}
