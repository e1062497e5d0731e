package rundir

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"strconv"

	"github.com/satori-go/satori/coat"
)

// A TornError says that a log ends in something that is no whole line, as after a crash,
// or while a program is writing to it.
type TornError struct {
	File  string
	Whole Cursor // where its whole lines end
	Bytes int64  // after that
	Begun bool   // whether they are the beginning of one line, as a writer that was stopped leaves it
	Err   error  // what is wrong there
}

func (e *TornError) Error() string {
	return fmt.Sprintf("%s:%d: %v; %d bytes from here on are not of a whole line", e.File, e.Whole.Lines+1, e.Err, e.Bytes)
}

func (e *TornError) Unwrap() error { return e.Err }

// ReadLog reads the lines of a log of [OpenLog] from the beginning. It stops at the first
// error. At a line that is not whole the error is a [*TornError].
func ReadLog[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		f, size, err := openLog(path)
		if err != nil {
			yield(zero, err)
			return
		}
		defer f.Close()
		for line, err := range scan(f, path, size) {
			var v T
			if err == nil {
				if err = json.Unmarshal(line.text, &v); err != nil {
					err = fmt.Errorf("rundir: %s:%d: %w", path, line.end.Lines, err)
				}
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// ReadLines reads the whole lines of a file of [OpenLines], also while a program writes to
// it. A last line without an end is skipped. ReadLines stops at the first error.
func ReadLines[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		f, _, err := openLog(path)
		if err != nil {
			yield(zero, err)
			return
		}
		defer f.Close()
		end, err := wholeLines(f)
		if err != nil {
			yield(zero, fmt.Errorf("rundir: %s: %w", path, err))
			return
		}
		coat.ReadLines[T](io.NewSectionReader(f, 0, end.Bytes), path)(yield)
	}
}

// wholeLines finds the end of the last line of a file that has one.
func wholeLines(f *os.File) (end Cursor, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return end, err
	}
	block := make([]byte, 256<<10)
	for at := int64(0); at < size; {
		b := block[:min(int64(len(block)), size-at)]
		if _, err := f.ReadAt(b, at); err != nil {
			return end, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			end = Cursor{Lines: end.Lines + int64(bytes.Count(b, []byte{'\n'})), Bytes: at + int64(i) + 1}
		}
		at += int64(len(b))
	}
	return end, nil
}

func openLog(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("rundir: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("rundir: %w", errors.Join(err, f.Close()))
	}
	return f, info.Size(), nil
}

// whole finds the end of the lines in the first size bytes of a log.
func whole(f io.ReaderAt, path string, size int64) (end Cursor, err error) {
	for line, err := range scan(f, path, size) {
		if err != nil {
			return end, err
		}
		end = line.end
	}
	return end, nil
}

// A logLine is a line without its end, and where it ends.
type logLine struct {
	text []byte // valid until the next line is asked for
	end  Cursor
}

// scan checks the lines in the first size bytes of a log, one by one.
func scan(f io.ReaderAt, path string, size int64) iter.Seq2[logLine, error] {
	return func(yield func(logLine, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 256<<10)
		var end Cursor
		var buffer []byte
		for {
			text, err := readLine(in, buffer[:0])
			buffer = text
			if err == io.EOF && len(text) == 0 {
				return
			}
			var sum uint32
			begun := err == io.EOF && begins(text)
			switch err {
			case nil:
				sum, err = checkLine(end.Sum, text[:len(text)-1])
			case io.EOF:
				err = errors.New("the line has no end")
			}
			if err != nil {
				yield(logLine{}, &TornError{File: path, Whole: end, Bytes: size - end.Bytes, Begun: begun, Err: err})
				return
			}
			end = Cursor{end.Lines + 1, end.Bytes + int64(len(text)), sum}
			if !yield(logLine{text[:len(text)-1], end}, nil) {
				return
			}
		}
	}
}

// readLine appends the next line, its end included.
func readLine(in *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLogLine {
			return line, fmt.Errorf("the line is longer than %d MiB", maxLogLine>>20)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// begins reports whether text can be the beginning of a line.
func begins(text []byte) bool {
	n := min(len(text), len(crcOpen))
	return string(text[:n]) == crcOpen[:n]
}

// checkLine returns the checksum of a line that follows one with the checksum before.
func checkLine(before uint32, text []byte) (uint32, error) {
	if len(text) <= crcWidth || !bytes.HasPrefix(text, []byte(crcOpen)) || string(text[crcWidth-2:crcWidth]) != `",` {
		return 0, errors.New("the line does not begin with its checksum")
	}
	want, err := strconv.ParseUint(string(text[len(crcOpen):crcWidth-2]), 16, 32)
	if err != nil {
		return 0, errors.New("the line does not begin with its checksum")
	}
	sum := crc32.Update(before, castagnoli, text[crcWidth:])
	if sum != uint32(want) {
		return 0, fmt.Errorf("the line has checksum %08x, want %08x", sum, want)
	}
	return sum, nil
}

// countLines counts line ends, and a line that has none.
func countLines(r io.Reader) (n int64, err error) {
	block := make([]byte, 256<<10)
	last := byte('\n')
	for {
		k, err := r.Read(block)
		n += int64(bytes.Count(block[:k], []byte{'\n'}))
		if k > 0 {
			last = block[k-1]
		}
		if err == io.EOF {
			if last != '\n' {
				n++
			}
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
