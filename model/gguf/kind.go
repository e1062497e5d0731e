package gguf

import (
	"math"
	"reflect"
)

// The kinds of metadata, as the format numbers them.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// A kind reads values of one kind of metadata.
type kind struct {
	bytes  int // that a value takes in the file at least
	scalar func(h *header) any
	array  func(h *header, n uint64) any
}

// kinds are all kinds but arrays, which hold values of the others.
var kinds = map[uint32]kind{
	kindUint8:   kindOf(1, (*header).u8),
	kindInt8:    kindOf(1, func(h *header) int8 { return int8(h.u8()) }),
	kindUint16:  kindOf(2, (*header).u16),
	kindInt16:   kindOf(2, func(h *header) int16 { return int16(h.u16()) }),
	kindUint32:  kindOf(4, (*header).u32),
	kindInt32:   kindOf(4, func(h *header) int32 { return int32(h.u32()) }),
	kindFloat32: kindOf(4, func(h *header) float32 { return math.Float32frombits(h.u32()) }),
	kindBool:    kindOf(1, (*header).bool),
	kindString:  kindOf(8, func(h *header) string { return h.text(math.MaxInt64) }), // 8: its length
	kindUint64:  kindOf(8, (*header).u64),
	kindInt64:   kindOf(8, func(h *header) int64 { return int64(h.u64()) }),
	kindFloat64: kindOf(8, func(h *header) float64 { return math.Float64frombits(h.u64()) }),
}

func kindOf[T any](bytes int, read func(h *header) T) kind {
	return kind{
		bytes:  bytes,
		scalar: func(h *header) any { return read(h) },
		array: func(h *header, n uint64) any {
			list := make([]T, 0, n)
			for i := uint64(0); i < n && h.err == nil; i++ {
				list = append(list, read(h))
			}
			return list
		},
	}
}

// goKinds gives the kind of metadata that a Go value is written as.
var goKinds = map[reflect.Kind]uint32{
	reflect.Uint8: kindUint8, reflect.Int8: kindInt8, reflect.Uint16: kindUint16, reflect.Int16: kindInt16,
	reflect.Uint32: kindUint32, reflect.Int32: kindInt32, reflect.Uint64: kindUint64, reflect.Int64: kindInt64,
	reflect.Float32: kindFloat32, reflect.Float64: kindFloat64, reflect.Bool: kindBool, reflect.String: kindString,
}
