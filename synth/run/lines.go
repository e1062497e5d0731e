package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// lines is a JSON Lines file that grows. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	f   *os.File
	end int64
	bad error // why nothing more is written
}

// openLines opens or makes a file and cuts a torn last line away.
func openLines(path string) (*lines, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	end, err := wholeLines(f)
	if err == nil {
		err = f.Truncate(end)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &lines{f: f, end: end}, nil
}

// wholeLines is the length of a file up to its last line end.
func wholeLines(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 64<<10)
	for end > 0 {
		from := max(0, end-int64(len(block)))
		b := block[:end-from]
		if _, err := f.ReadAt(b, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// append writes one line. After a write that failed nothing is written any more: the
// file may end in half a line, which the next to open it cuts away.
func (l *lines) append(v any) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false) // "<|reflect|>" stays readable
	if err := out.Encode(v); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return l.bad
	}
	if _, err := l.f.WriteAt(b.Bytes(), l.end); err != nil {
		l.bad = err
		return err
	}
	l.end += int64(b.Len())
	return nil
}

// reader reads what stands now.
func (l *lines) reader() io.Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.NewSectionReader(l.f, 0, l.end)
}

// sync waits until the lines are on the disk.
func (l *lines) sync() error { return l.f.Sync() }

func (l *lines) close() error { return errors.Join(l.f.Sync(), l.f.Close()) }
