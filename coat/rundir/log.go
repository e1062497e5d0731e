package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// A Log is a file of JSON Lines that is only added to. Every line is a JSON object whose
// first field is a checksum:
//
//	{"crc":"1c291ca3", ...}
//
// It is the CRC-32C of the bytes after that field, in eight hexadecimal digits, begun
// with the checksum of the line before (0 for the first line): a line that is lost,
// doubled or moved shows as well as one that is torn. A Log is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	f   *os.File
	at  Cursor
	bad error // why nothing more is written
}

// A Cursor is a place in a log: behind so many lines and bytes, whose last line has the
// checksum Sum. The zero Cursor is the beginning.
type Cursor struct {
	Lines int64  `json:"lines"`
	Bytes int64  `json:"bytes"`
	Sum   uint32 `json:"sum"`
}

const (
	maxLogLine = 64 << 20
	crcOpen    = `{"crc":"`
	crcWidth   = len(crcOpen) + 8 + len(`",`)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenLog opens a log, or makes an empty one, to go on at a place in it, and cuts away
// what stands behind: cut counts its lines, a torn one included, and bytes. That the log
// has other lines up to there than when the cursor was taken is an error.
//
// To go on behind the last whole line, take the cursor from [WholeLog].
func OpenLog(path string, at Cursor) (l *Log, cut Cursor, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, cut, fmt.Errorf("rundir: %w", err)
	}
	fail := func(err error) (*Log, Cursor, error) {
		f.Close()
		return nil, Cursor{}, fmt.Errorf("rundir: log %s: %w", path, err)
	}
	have, err := whole(f, path, at.Bytes)
	if err != nil {
		return fail(err)
	}
	if have != at {
		return fail(fmt.Errorf("has %d lines in %d bytes (checksum %08x) where %d lines in %d bytes (%08x) were written; it is not the log that is gone on with",
			have.Lines, have.Bytes, have.Sum, at.Lines, at.Bytes, at.Sum))
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fail(err)
	}
	if end == 0 { // its name may be new
		if err := Sync(filepath.Dir(path)); err != nil {
			return fail(err)
		}
	}
	if cut.Bytes = end - at.Bytes; cut.Bytes > 0 {
		if cut.Lines, err = countLines(io.NewSectionReader(f, at.Bytes, cut.Bytes)); err != nil {
			return fail(err)
		}
		if err := errors.Join(f.Truncate(at.Bytes), f.Sync()); err != nil {
			return fail(err)
		}
	}
	return &Log{f: f, at: at}, cut, nil
}

// Append writes one line: a value that JSON makes an object of, with a field at least.
// After a write that failed nothing is written any more: the log may end in a torn line.
func (l *Log) Append(v any) error {
	var b bytes.Buffer
	b.WriteString(crcOpen + `00000000",`)
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false) // "<|reflect|>" stays readable
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("rundir: log %s: %w", l.f.Name(), err)
	}
	line := b.Bytes()
	if len(line) <= crcWidth+3 || line[crcWidth] != '{' {
		return fmt.Errorf("rundir: log %s: %T is no JSON object with fields", l.f.Name(), v)
	}
	if len(line) > maxLogLine {
		return fmt.Errorf("rundir: log %s: a line of %d bytes, want at most %d MiB", l.f.Name(), len(line), maxLogLine>>20)
	}
	line = append(line[:crcWidth], line[crcWidth+1:]...) // without the object's own brace
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return l.bad
	}
	sum := crc32.Update(l.at.Sum, castagnoli, line[crcWidth:len(line)-1])
	copy(line[len(crcOpen):], fmt.Sprintf("%08x", sum))
	if _, err := l.f.WriteAt(line, l.at.Bytes); err != nil {
		l.bad = fmt.Errorf("rundir: log: %w", err)
		return l.bad
	}
	l.at = Cursor{l.at.Lines + 1, l.at.Bytes + int64(len(line)), sum}
	return nil
}

// Sync waits until what was appended is on the disk, and tells where the log ends now.
func (l *Log) Sync() (Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad == nil {
		l.bad = l.f.Sync()
	}
	return l.at, l.bad
}

// Close syncs and closes the log.
func (l *Log) Close() error {
	_, err := l.Sync()
	return errors.Join(err, l.f.Close())
}
