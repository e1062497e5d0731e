package gguf

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A File is an open GGUF file. Its tensors are read when [File.Floats] is called.
type File struct {
	// Metadata holds, by key, a bool, string, uint8 to uint64, int8 to int64, float32 or
	// float64, or a slice of one of these.
	Metadata map[string]any
	Tensors  []Tensor

	r    io.ReaderAt
	file *os.File // to close; nil after Read
}

// A Tensor says what a file holds of a tensor: its name, type and shape.
type Tensor struct {
	Name   string
	Type   Type
	Dims   []int // outermost first, as [out, in]; the file has them the other way round
	offset int64
	bytes  int64
}

const (
	magic     = "GGUF"
	keyAlign  = "general.alignment"
	alignment = 32 // without that key
	maxDims   = 4
	maxKey    = 1<<16 - 1 // as the format says
)

// Open opens a file and reads its metadata. Errors name the file, and the key or the tensor.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	stat, err := f.Stat()
	if err == nil {
		var g *File
		if g, err = read(f, stat.Size()); err == nil {
			g.file = f
			return g, nil
		}
	}
	return nil, fmt.Errorf("gguf: %s: %w", path, errors.Join(err, f.Close()))
}

// Read reads the metadata of a file of size bytes from r, which [File.Floats] reads later.
func Read(r io.ReaderAt, size int64) (*File, error) {
	f, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	return f, nil
}

// Close closes the file that [Open] opened. After [Read] it does nothing.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Floats reads a tensor of the file and converts it to float32.
func (f *File) Floats(t Tensor) ([]float32, error) {
	raw := make([]byte, t.bytes)
	if _, err := f.r.ReadAt(raw, t.offset); err != nil {
		return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, err)
	}
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	out := make([]float32, n)
	if err := decode(t.Type, raw, out); err != nil {
		return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, err)
	}
	return out, nil
}

// A header reads the part of a file before the tensors. It knows how many bytes are left and
// refuses a length beyond that.
type header struct {
	r    *bufio.Reader
	left int64
	err  error // the first
}

func read(r io.ReaderAt, size int64) (*File, error) {
	h := &header{r: bufio.NewReader(io.NewSectionReader(r, 0, size)), left: size}
	if string(h.take(4)) != magic {
		return nil, errors.New("is no GGUF file: it does not begin with GGUF")
	}
	if v := h.u32(); h.err == nil && v != 2 && v != 3 {
		return nil, fmt.Errorf("version %d (%#x) is not supported: want 2 or 3, little-endian", v, v)
	}
	tensors, pairs := h.u64(), h.u64()
	f := &File{Metadata: map[string]any{}, r: r}
	for i := uint64(0); i < pairs && h.err == nil; i++ {
		key := h.text(maxKey)
		value := h.value()
		if h.err != nil {
			return nil, fmt.Errorf("metadata %d, key %q: %w", i, key, h.err)
		}
		if _, twice := f.Metadata[key]; twice {
			return nil, fmt.Errorf("metadata: key %q is given twice", key)
		}
		f.Metadata[key] = value
	}
	for i := uint64(0); i < tensors && h.err == nil; i++ {
		t, err := h.tensor(size)
		if err = cmp.Or(h.err, err); err != nil {
			return nil, fmt.Errorf("tensor %d, %q: %w", i, t.Name, err)
		}
		f.Tensors = append(f.Tensors, t)
	}
	if h.err != nil {
		return nil, fmt.Errorf("header: %w", h.err)
	}
	align, err := alignOf(f.Metadata)
	if err != nil {
		return nil, err
	}
	return f, f.place(padded(size-h.left, align), align, size)
}

// place turns the tensors' offsets into places in the file, and checks them.
func (f *File) place(base, align, size int64) error {
	seen := make(map[string]bool, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		switch {
		case seen[t.Name]:
			return fmt.Errorf("tensor %q is given twice", t.Name)
		case t.offset%align != 0:
			return fmt.Errorf("tensor %q: offset %d is no multiple of the alignment %d", t.Name, t.offset, align)
		case t.offset > size-base-t.bytes:
			return fmt.Errorf("tensor %q: %d bytes at offset %d are not in a file of %d bytes: is it whole?", t.Name, t.bytes, t.offset, size)
		}
		seen[t.Name] = true
		t.offset += base
	}
	// Tensors that share bytes would make a small file a large model.
	order := slices.SortedFunc(slices.Values(f.Tensors), func(a, b Tensor) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(order); i++ {
		if order[i-1].offset+order[i-1].bytes > order[i].offset {
			return fmt.Errorf("tensors %q and %q overlap", order[i-1].Name, order[i].Name)
		}
	}
	return nil
}

// tensor reads one entry of the list of tensors; its offset is relative to the data.
func (h *header) tensor(size int64) (Tensor, error) {
	t := Tensor{Name: h.text(maxKey)}
	n := h.u32()
	if h.err == nil && (n < 1 || n > maxDims) {
		return t, fmt.Errorf("has %d axes, want 1 to %d", n, maxDims)
	}
	total := uint64(1)
	limit := 2 * uint64(size) // no supported type has two numbers a byte
	for range n {
		d := h.u64()
		if h.err != nil {
			return t, nil
		}
		if d == 0 || d > limit/total {
			return t, fmt.Errorf("an axis of %d does not fit into a file of %d bytes", d, size)
		}
		total *= d
		t.Dims = append(t.Dims, int(d))
	}
	t.Type = Type(h.u32())
	offset := h.u64()
	if h.err != nil {
		return t, nil
	}
	numbers, bytes := t.Type.block()
	switch {
	case numbers == 0:
		return t, fmt.Errorf("is %v, which is not supported (F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K)", t.Type)
	case t.Dims[0]%numbers != 0:
		return t, fmt.Errorf("its rows of %d are no whole number of %v blocks", t.Dims[0], t.Type)
	case offset > uint64(size):
		return t, fmt.Errorf("offset %d is not in a file of %d bytes: is it whole?", offset, size)
	}
	t.offset, t.bytes = int64(offset), int64(total)/int64(numbers)*int64(bytes)
	slices.Reverse(t.Dims)
	return t, nil
}

// value reads a typed value: a kind, and then a scalar of it, or for an array the kind of its
// elements, their number and them.
func (h *header) value() any {
	id := h.u32()
	if id != kindArray {
		k, ok := kinds[id]
		if h.err != nil || !ok {
			h.fail("a value of kind %d is not supported", id)
			return nil
		}
		return k.scalar(h)
	}
	id = h.u32()
	n := h.u64()
	k, ok := kinds[id]
	if h.err != nil || !ok {
		h.fail("an array of kind %d is not supported", id)
		return nil
	}
	if n > uint64(h.left)/uint64(k.bytes) {
		h.fail("an array of %d does not fit into the %d bytes that are left: is the file whole?", n, h.left)
		return nil
	}
	return k.array(h, n)
}

func (h *header) u8() uint8   { return h.take(1)[0] }
func (h *header) u16() uint16 { return binary.LittleEndian.Uint16(h.take(2)) }
func (h *header) u32() uint32 { return binary.LittleEndian.Uint32(h.take(4)) }
func (h *header) u64() uint64 { return binary.LittleEndian.Uint64(h.take(8)) }

func (h *header) bool() bool {
	b := h.u8()
	if b > 1 {
		h.fail("%d is no bool", b)
	}
	return b == 1
}

// text reads a string: its length, then its bytes.
func (h *header) text(most int64) string {
	n := h.u64()
	if h.err == nil && n > uint64(min(most, h.left)) {
		h.fail("a string of %d bytes does not fit: is the file whole?", n)
	}
	if h.err != nil {
		return ""
	}
	return string(h.take(int(n)))
}

// take reads n bytes; zeros after an error, which is kept.
func (h *header) take(n int) []byte {
	b := make([]byte, n)
	if int64(n) > h.left {
		h.fail("the file ends here: is it whole?")
	}
	if h.err != nil {
		return b
	}
	if _, err := io.ReadFull(h.r, b); err != nil {
		h.err = err
		clear(b)
	}
	h.left -= int64(n)
	return b
}

func (h *header) fail(format string, args ...any) {
	if h.err == nil {
		h.err = fmt.Errorf(format, args...)
	}
}

// alignOf returns the alignment of tensors that the metadata sets.
func alignOf(metadata map[string]any) (int64, error) {
	value, ok := metadata[keyAlign]
	if !ok {
		return alignment, nil
	}
	n, ok := value.(uint32)
	if !ok || n == 0 || n&(n-1) != 0 || n > 1<<20 {
		return 0, fmt.Errorf("metadata %q is %v, want a power of two as uint32", keyAlign, value)
	}
	return int64(n), nil
}

// padded rounds n up to a multiple of an alignment.
func padded(n, align int64) int64 { return (n + align - 1) / align * align }
