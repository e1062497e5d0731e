package rundir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type entry struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// written makes a log of some lines and gives the cursors behind each.
func written(t *testing.T, path string, n int) (at []Cursor) {
	t.Helper()
	l, _, err := OpenLog(path, Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	at = append(at, Cursor{})
	for i := range n {
		if err := l.Append(entry{i, "a <|reflect|> \n\x00 " + strings.Repeat("x", i)}); err != nil {
			t.Fatal(err)
		}
		c, err := l.Sync()
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, c)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return at
}

// numbers are those of the lines that can be read, and the error behind them.
func numbers(path string) (list []int, err error) {
	for e, err := range ReadLog[entry](path) {
		if err != nil {
			return list, err
		}
		list = append(list, e.N)
	}
	return list, nil
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	at := written(t, path, 4)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The checksum by the definition: CRC-32C of RFC 3720, whose check value for
	// "123456789" is e3069283.
	if sum, err := checkLine(0, []byte(`{"crc":"e3069283",123456789`)); err != nil || sum != 0xe3069283 {
		t.Errorf("%08x, %v", sum, err)
	}
	if !strings.HasPrefix(string(data), `{"crc":"`) || !strings.Contains(string(data), `","n":0,"text":"a <|reflect|> \n\u0000 "}`+"\n") {
		t.Errorf("log is %s", data)
	}
	if got, err := numbers(path); err != nil || !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	// Going on at any place cuts what is behind and leaves the same bytes as before.
	for k, c := range at {
		l, cut, err := OpenLog(path, c)
		if err != nil || cut != (Cursor{Lines: int64(4 - k), Bytes: int64(len(data)) - c.Bytes}) {
			t.Fatalf("at %d: cut %+v, %v", k, cut, err)
		}
		for i := k; i < 4; i++ {
			if err := l.Append(entry{i, "a <|reflect|> \n\x00 " + strings.Repeat("x", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if again, _ := os.ReadFile(path); string(again) != string(data) {
			t.Fatalf("the log that continues at %d differs", k)
		}
	}
}

// wholeLog finds where the whole lines of a log end, and how many bytes follow.
func wholeLog(path string) (end Cursor, torn int64, err error) {
	f, size, err := openLog(path)
	if err != nil {
		return end, 0, err
	}
	defer f.Close()
	end, err = whole(f, path, size)
	var tail *TornError
	if errors.As(err, &tail) {
		return tail.Whole, tail.Bytes, nil
	}
	return end, 0, err
}

// Whatever is cut off, or stands behind the lines, the whole lines are found.
func TestTornLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	at := written(t, path, 3)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, text []byte, lines int) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		end, torn, err := wholeLog(path)
		if err != nil || end != at[lines] || torn != int64(len(text))-end.Bytes {
			t.Fatalf("%s: whole to %+v, %d bytes torn, %v, want %d lines", what, end, torn, err, lines)
		}
		got, err := numbers(path)
		var tail *TornError
		if len(got) != lines || (torn > 0) != errors.As(err, &tail) || tail != nil && (tail.Whole != end || tail.Bytes != torn || tail.Begun != strings.HasPrefix(what, "cut to ")) {
			t.Fatalf("%s: read %v, %v", what, got, err)
		}
		// At a cursor behind what is whole it is another log.
		if l, _, err := OpenLog(path, at[3]); (err == nil) != (lines == 3) {
			t.Fatalf("%s: opened behind the end: %v", what, err)
		} else if err == nil {
			l.Close()
		}
		l, cut, err := OpenLog(path, end)
		if err != nil || cut.Bytes != torn && lines < 3 {
			t.Fatalf("%s: %+v, %v", what, cut, err)
		}
		if err := errors.Join(l.Append(entry{7, "y"}), l.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := numbers(path); err != nil || len(got) != lines+1 || got[lines] != 7 {
			t.Fatalf("%s: after the next line %v, %v", what, got, err)
		}
	}
	for n := 0; n <= len(data); n += 5 {
		lines := 0
		for lines < 3 && at[lines+1].Bytes <= int64(n) {
			lines++
		}
		check(fmt.Sprint("cut to ", n), data[:n], lines)
	}
	zeros := make([]byte, 5000)
	check("zeros", append(slices.Clone(data), zeros...), 3)
	for i := 0; i < len(data); i += 7 {
		bad := slices.Clone(data)
		bad[i] ^= 0x10
		lines := 0
		for at[lines+1].Bytes <= int64(i) {
			lines++
		}
		check(fmt.Sprint("a bit of byte ", i), bad, lines)
	}
	first, second := data[:at[1].Bytes], data[at[1].Bytes:at[2].Bytes]
	check("a line twice", slices.Concat(first, second, second), 2)
	check("a line lost", slices.Concat(first, data[at[2].Bytes:]), 1)
	check("another order", slices.Concat(second, first), 0)
}

func TestAppendErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, _, err := OpenLog(path, Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{1, "a", nil, []int{1}, struct{}{}, func() {}} {
		if err := l.Append(v); err == nil {
			t.Errorf("%T was written", v)
		}
	}
	if err := l.Append(entry{}); err != nil {
		t.Error(err)
	}
	l.f.Close() // a disk that is gone
	for range 2 {
		if l.Append(entry{}) == nil {
			t.Error("writes to what is closed")
		}
	}
	if _, err := l.Sync(); err == nil {
		t.Error("syncs what failed")
	}
	if got, err := numbers(path); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, _, err := OpenLog(filepath.Dir(path), Cursor{}); err == nil {
		t.Error("opens a directory")
	}
}

// Lines without checksums are added after the last whole one, and read while they grow.
func TestOpenLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	l, err := OpenLines(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := l.Append(entry{i, "a <|reflect|>"}); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := io.ReadAll(l.Reader()); err != nil || !strings.HasPrefix(string(text), `{"n":0,"text":"a <|reflect|>"}`+"\n") || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%s, %v", text, err)
	}
	if err := l.Append(func() {}); err == nil {
		t.Error("a function is written")
	}
	end, err := l.Sync()
	if err != nil || end.Lines != 3 || end.Sum != 0 || l.Close() != nil {
		t.Errorf("%+v, %v", end, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil || int64(len(whole)) != end.Bytes {
		t.Fatalf("%d bytes, %v", len(whole), err)
	}
	read := func() (list []int) {
		for e, err := range ReadLines[entry](path) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, e.N)
		}
		return list
	}
	for n := 0; n <= len(whole); n += 4 {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[:n]), "\n")
		if got := read(); len(got) != lines {
			t.Errorf("%d bytes: %v, want %d lines", n, got, lines)
		}
		l, err := OpenLines(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Append(entry{9, "z"}), l.Close()); err != nil {
			t.Fatal(err)
		}
		if got := read(); len(got) != lines+1 || got[lines] != 9 {
			t.Errorf("%d bytes, then one more line: %v", n, got)
		}
	}
	for _, err := range ReadLines[entry](path + "?") {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
	}
}
