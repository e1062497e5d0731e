package dataset

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/parquet-go/parquet-go"
)

// parquetRows reads the columns with one value a row. It skips lists and groups.
func parquetRows(f *os.File) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("%s: %w", f.Name(), err)) }
		info, err := f.Stat()
		if err != nil {
			fail(err)
			return
		}
		file, err := parquet.OpenFile(f, info.Size())
		if err != nil {
			fail(err)
			return
		}
		names := file.Schema().Columns()
		buffer := make([]parquet.Row, 64)
		for _, group := range file.RowGroups() {
			stopped, err := groupRows(group, names, buffer, func(r row) bool { return yield(r, nil) })
			if stopped {
				return
			}
			if err != nil {
				fail(err)
				return
			}
		}
	}
}

// groupRows yields the rows of a group, and reports whether yield stopped it.
func groupRows(group parquet.RowGroup, names [][]string, buffer []parquet.Row, yield func(row) bool) (stopped bool, err error) {
	in := group.Rows()
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		n, err := in.ReadRows(buffer)
		for _, values := range buffer[:n] {
			if !yield(flat(values, names)) {
				return true, nil
			}
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

func flat(values parquet.Row, names [][]string) row {
	r := row{}
	for _, v := range values {
		if path := names[v.Column()]; len(path) == 1 && !v.IsNull() {
			r[path[0]] = v.String()
		}
	}
	return r
}

// WriteParquet writes rows, such as [Chat]s, compressed with Snappy.
func WriteParquet[T any](w io.Writer, rows iter.Seq[T]) error {
	out := parquet.NewGenericWriter[T](w, parquet.Compression(&parquet.Snappy))
	batch := make([]T, 0, 256)
	flush := func() error {
		_, err := out.Write(batch)
		batch = batch[:0]
		return err
	}
	for v := range rows {
		if batch = append(batch, v); len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return out.Close()
}
