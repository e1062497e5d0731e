package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// A Source is a tensor to be written. Floats is called once, when its turn comes, so
// that one tensor at a time is in memory.
type Source struct {
	Name   string
	Type   Type  // F32, F16 or Q8_0
	Dims   []int // outermost first, as [out, in]
	Floats func() ([]float32, error)
}

// size is the number of bytes of the tensor.
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

// Write writes a GGUF file of version 3. Metadata has the types that [File] gives back;
// llama.cpp wants uint32 for counts and float32 for numbers. The same input gives the
// same bytes.
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
			if raw, err = Encode(t.Type, data); err == nil {
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

// appendValue writes the kind of a value, then the value.
func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case []bool:
		return appendArray(b, v), nil
	case []string:
		return appendArray(b, v), nil
	case []uint8:
		return appendArray(b, v), nil
	case []int8:
		return appendArray(b, v), nil
	case []uint16:
		return appendArray(b, v), nil
	case []int16:
		return appendArray(b, v), nil
	case []uint32:
		return appendArray(b, v), nil
	case []int32:
		return appendArray(b, v), nil
	case []uint64:
		return appendArray(b, v), nil
	case []int64:
		return appendArray(b, v), nil
	case []float32:
		return appendArray(b, v), nil
	case []float64:
		return appendArray(b, v), nil
	}
	kind, ok := kindOf(value)
	if !ok {
		return b, fmt.Errorf("a value of type %T is not supported", value)
	}
	return appendScalar(binary.LittleEndian.AppendUint32(b, kind), value), nil
}

func appendArray[T any](b []byte, list []T) []byte {
	var zero T
	kind, _ := kindOf(zero)
	b = binary.LittleEndian.AppendUint32(b, kindArray)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(list)))
	for _, x := range list {
		b = appendScalar(b, x)
	}
	return b
}

func kindOf(value any) (uint32, bool) {
	switch value.(type) {
	case uint8:
		return kindUint8, true
	case int8:
		return kindInt8, true
	case uint16:
		return kindUint16, true
	case int16:
		return kindInt16, true
	case uint32:
		return kindUint32, true
	case int32:
		return kindInt32, true
	case float32:
		return kindFloat32, true
	case bool:
		return kindBool, true
	case string:
		return kindString, true
	case uint64:
		return kindUint64, true
	case int64:
		return kindInt64, true
	case float64:
		return kindFloat64, true
	}
	return 0, false
}

// appendScalar writes a value of a kind that kindOf knows.
func appendScalar(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendText(b, v)
	case bool:
		if v {
			return append(b, 1)
		}
		return append(b, 0)
	case float32:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	case float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	b, err := binary.Append(b, binary.LittleEndian, value)
	if err != nil {
		panic(err) // an integer of fixed size
	}
	return b
}
