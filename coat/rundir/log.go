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

// A Log is a file of JSON Lines that is only added to. It is safe for concurrent use. Each
// line of one that [OpenLog] opens is a JSON object whose first field is a checksum:
//
//	{"crc":"1c291ca3", ...}
//
// It is the CRC-32C of the bytes after that field, in eight hexadecimal digits, begun
// with the checksum of the line before (0 for the first line). A line that is lost,
// doubled or moved shows as well as one that is torn. The lines of one that [OpenLines]
// opens have no checksum: other programs read them as they are.
type Log struct {
	mu    sync.Mutex
	f     *os.File
	plain bool // lines have no checksum
	at    Cursor
	bad   error // why nothing more is written
}

// A Cursor is a place in a log: after so many lines and bytes, the last of which has the
// checksum Sum (0 where lines have none). The zero Cursor is the beginning.
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

// OpenLog opens a log, or makes an empty one, to go on at a place in it. It cuts away what
// follows: cut counts its lines, a torn one included, and its bytes. A log that has other
// lines up to the place than when the cursor was taken is an error. A [TornError] of
// [ReadLog] has the cursor after the last whole line.
func OpenLog(path string, at Cursor) (l *Log, cut Cursor, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, cut, fmt.Errorf("rundir: %w", err)
	}
	fail := func(err error) (*Log, Cursor, error) {
		return nil, Cursor{}, fmt.Errorf("rundir: log %s: %w", path, errors.Join(err, f.Close()))
	}
	have, err := whole(f, path, at.Bytes)
	if err != nil {
		return fail(err)
	}
	if have != at {
		return fail(fmt.Errorf("has %d lines in %d bytes (checksum %08x) where %d lines in %d bytes (%08x) were written; "+
			"this is not the log that the cursor was taken of", have.Lines, have.Bytes, have.Sum, at.Lines, at.Bytes, at.Sum))
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fail(err)
	}
	if end == 0 { // its name may be new
		if err := syncPath(filepath.Dir(path)); err != nil {
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

// OpenLines opens a file of JSON Lines without checksums, or makes an empty one, to go on
// after its last whole line. A last line without an end, which a crash has torn, is cut
// away.
func OpenLines(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	end, err := wholeLines(f)
	if err == nil {
		err = f.Truncate(end.Bytes)
	}
	if err == nil && end.Bytes == 0 { // its name may be new
		err = syncPath(filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("rundir: %s: %w", path, errors.Join(err, f.Close()))
	}
	return &Log{f: f, plain: true, at: end}, nil
}

// Append writes one line. Where lines have checksums the value has to be one that JSON
// makes an object of, with a field at least. After a write that failed, Append writes
// nothing more: the file may end in a torn line.
func (l *Log) Append(v any) error {
	line, err := l.line(v)
	if err != nil {
		return fmt.Errorf("rundir: log %s: %w", l.f.Name(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return l.bad
	}
	next := Cursor{Lines: l.at.Lines + 1, Bytes: l.at.Bytes + int64(len(line))}
	if !l.plain {
		next.Sum = crc32.Update(l.at.Sum, castagnoli, line[crcWidth:len(line)-1])
		copy(line[len(crcOpen):], fmt.Sprintf("%08x", next.Sum))
	}
	if _, err := l.f.WriteAt(line, l.at.Bytes); err != nil {
		l.bad = fmt.Errorf("rundir: log: %w", err)
		return l.bad
	}
	l.at = next
	return nil
}

// line encodes a value as a line. Its checksum is still 0.
func (l *Log) line(v any) ([]byte, error) {
	var b bytes.Buffer
	if !l.plain {
		b.WriteString(crcOpen + `00000000",`)
	}
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false) // "<|reflect|>" stays readable
	if err := out.Encode(v); err != nil {
		return nil, err
	}
	line := b.Bytes()
	if !l.plain && (len(line) <= crcWidth+3 || line[crcWidth] != '{') {
		return nil, fmt.Errorf("%T is no JSON object with fields", v)
	}
	if len(line) > maxLogLine {
		return nil, fmt.Errorf("a line of %d bytes, want at most %d MiB", len(line), maxLogLine>>20)
	}
	if !l.plain {
		line = append(line[:crcWidth], line[crcWidth+1:]...) // without the object's own brace
	}
	return line, nil
}

// Reader reads the lines that the log has now.
func (l *Log) Reader() *io.SectionReader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.NewSectionReader(l.f, 0, l.at.Bytes)
}

// Sync waits until what was appended is on the disk. It returns where the log ends.
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
