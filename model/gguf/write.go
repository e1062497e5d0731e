package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
)

// A Source is a tensor for [Write], which calls Floats once and writes the numbers before it
// calls the next one: one tensor at a time is in memory.
type Source struct {
	Name   string
	Type   Type  // F32, F16 or Q8_0
	Dims   []int // outermost first, as [out, in]
	Floats func() ([]float32, error)
}

// size returns the number of bytes of the tensor in a file.
func (s Source) size() (int64, error) {
	n := int64(1)
	for _, d := range s.Dims {
		n *= int64(d)
	}
	if len(s.Dims) == 0 || len(s.Dims) > maxDims || n <= 0 {
		return 0, fmt.Errorf("has shape %v, want 1 to %d axes", s.Dims, maxDims)
	}
	numbers, bytes := s.Type.block()
	if s.Type != F32 && s.Type != F16 && s.Type != Q8_0 {
		return 0, fmt.Errorf("writing %v is not supported (F32, F16, Q8_0)", s.Type)
	}
	if s.Dims[len(s.Dims)-1]%numbers != 0 {
		return 0, fmt.Errorf("its rows of %d are no whole number of %v blocks", s.Dims[len(s.Dims)-1], s.Type)
	}
	return n / int64(numbers) * int64(bytes), nil
}

// Write writes a GGUF file of version 3. The values of the metadata are of the types that
// [File.Metadata] lists; llama.cpp expects uint32 for counts and float32 for numbers. The same
// input gives the same bytes.
func Write(w io.Writer, metadata map[string]any, tensors []Source) error {
	if err := write(w, metadata, tensors); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}

func write(w io.Writer, metadata map[string]any, tensors []Source) error {
	align, err := alignOf(metadata)
	if err != nil {
		return err
	}
	head := []byte(magic)
	head = binary.LittleEndian.AppendUint32(head, 3)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(tensors)))
	head = binary.LittleEndian.AppendUint64(head, uint64(len(metadata)))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		head = appendText(head, key)
		if head, err = appendValue(head, metadata[key]); err != nil {
			return fmt.Errorf("metadata %q: %w", key, err)
		}
	}
	offset := int64(0)
	for _, t := range tensors {
		size, err := t.size()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		head = appendText(head, t.Name)
		head = binary.LittleEndian.AppendUint32(head, uint32(len(t.Dims)))
		for _, d := range slices.Backward(t.Dims) {
			head = binary.LittleEndian.AppendUint64(head, uint64(d))
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(t.Type))
		head = binary.LittleEndian.AppendUint64(head, uint64(offset))
		offset = padded(offset+size, align)
	}
	out := bufio.NewWriter(w)
	pad := func(n int64) { out.Write(make([]byte, padded(n, align)-n)) } // errors stay with out
	out.Write(head)
	pad(int64(len(head)))
	for _, t := range tensors {
		data, err := t.Floats()
		if err == nil {
			var raw []byte
			if raw, err = encode(t.Type, data); err == nil {
				if size, _ := t.size(); size != int64(len(raw)) {
					err = fmt.Errorf("has %d numbers, which do not fill the shape %v", len(data), t.Dims)
				}
				out.Write(raw)
				pad(int64(len(raw)))
			}
		}
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return out.Flush()
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// appendValue appends the kind of a value, and the value.
func appendValue(b []byte, value any) ([]byte, error) {
	v := reflect.ValueOf(value)
	if !v.IsValid() {
		return b, errors.New("a value of nil is not supported")
	}
	if v.Kind() != reflect.Slice {
		kind, ok := goKinds[v.Kind()]
		if !ok {
			return b, fmt.Errorf("a value of type %T is not supported", value)
		}
		return appendScalar(binary.LittleEndian.AppendUint32(b, kind), v), nil
	}
	kind, ok := goKinds[v.Type().Elem().Kind()]
	if !ok {
		return b, fmt.Errorf("a value of type %T is not supported", value)
	}
	b = binary.LittleEndian.AppendUint32(b, kindArray)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint64(b, uint64(v.Len()))
	for i := range v.Len() {
		b = appendScalar(b, v.Index(i))
	}
	return b, nil
}

// appendScalar appends a value of one of the goKinds.
func appendScalar(b []byte, v reflect.Value) []byte {
	if v.Kind() == reflect.String {
		return appendText(b, v.String())
	}
	b, err := binary.Append(b, binary.LittleEndian, v.Interface())
	if err != nil {
		panic(err) // a number or a bool, which has a fixed size
	}
	return b
}
