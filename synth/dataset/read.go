package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
)

// A row is a problem in a file: its columns as text. A value that is neither text nor a
// number is JSON.
type row map[string]string

// Open reads the problems of a file, whose name ends in .jsonl, .json or .parquet, or of
// all such files of a directory in the order of their paths. It stops at the first
// error, which names the file and the line or row.
func Open(path string) iter.Seq2[coat.Problem, error] {
	return func(yield func(coat.Problem, error) bool) {
		files, err := list(path)
		if err != nil {
			yield(coat.Problem{}, err)
			return
		}
		for _, file := range files {
			n := 0
			for r, err := range rows(file) {
				n++
				var p coat.Problem
				if err == nil {
					if p, err = problem(r); err != nil {
						err = fmt.Errorf("%s: row %d: %w", file, n, err)
					} else if p.ID == "" {
						p.ID = fmt.Sprintf("%s:%d", strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), n)
					}
				}
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// list returns the file, or the files of a directory.
func list(path string) (files []string, err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []string{path}, err
	}
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch filepath.Ext(file) {
		case ".jsonl", ".json", ".parquet":
			if err == nil && d.Type().IsRegular() {
				files = append(files, file)
			}
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: has no file that ends in .jsonl, .json or .parquet", path)
	}
	return files, err
}

func rows(file string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		switch filepath.Ext(file) {
		case ".parquet":
			parquetRows(f)(yield)
		case ".json":
			jsonRows(f)(yield)
		case ".jsonl":
			for fields, err := range coat.ReadLines[map[string]json.RawMessage](f, file) {
				if !yield(text(fields), err) || err != nil {
					return
				}
			}
		default:
			yield(nil, fmt.Errorf("%s: ends in none of .jsonl, .json and .parquet", file))
		}
	}
}

// jsonRows reads an array of objects, or objects one after the other.
func jsonRows(f *os.File) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		in := json.NewDecoder(f)
		array := startsArray(f)
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			yield(nil, err)
			return
		}
		if array {
			if _, err := in.Token(); err != nil { // the bracket that was seen
				yield(nil, fmt.Errorf("%s: %w", f.Name(), err))
				return
			}
		}
		for n := 1; ; n++ {
			if array && !in.More() {
				if _, err := in.Token(); err != nil {
					yield(nil, fmt.Errorf("%s: after row %d: %w", f.Name(), n-1, err))
				}
				return
			}
			var fields map[string]json.RawMessage
			err := in.Decode(&fields)
			if errors.Is(err, io.EOF) && !array {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: row %d: %w", f.Name(), n, err))
				return
			}
			if !yield(text(fields), nil) {
				return
			}
		}
	}
}

func startsArray(f *os.File) bool {
	t, err := json.NewDecoder(f).Token()
	return err == nil && t == json.Delim('[')
}

// text takes strings out of their quotes.
func text(fields map[string]json.RawMessage) row {
	r := row{}
	for name, value := range fields {
		var s string
		if json.Unmarshal(value, &s) != nil {
			s = string(value)
		} else if string(value) == "null" {
			continue
		}
		r[name] = s
	}
	return r
}
