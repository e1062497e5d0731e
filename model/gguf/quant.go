package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// decode converts stored numbers to float32. raw must hold exactly len(out) numbers.
func decode(t Type, raw []byte, out []float32) error {
	numbers, bytes := t.block()
	if numbers == 0 {
		return fmt.Errorf("%v is not supported", t)
	}
	if len(out)%numbers != 0 || len(raw) != len(out)/numbers*bytes {
		return fmt.Errorf("%d bytes of %v are not %d numbers", len(raw), t, len(out))
	}
	one := map[Type]func(b []byte, y []float32){
		F32: decodeF32, F16: decodeF16, BF16: decodeBF16,
		Q4_0: decodeQ4_0, Q4_1: decodeQ4_1, Q8_0: decodeQ8_0, Q4_K: decodeQ4_K, Q6_K: decodeQ6_K,
	}[t]
	if numbers == 1 {
		one(raw, out)
		return nil
	}
	for ; len(out) > 0; raw, out = raw[bytes:], out[numbers:] {
		one(raw[:bytes], out[:numbers])
	}
	return nil
}

func decodeF32(b []byte, y []float32) {
	for i := range y {
		y[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

func decodeF16(b []byte, y []float32) {
	for i := range y {
		y[i] = float16(b[2*i:])
	}
}

func decodeBF16(b []byte, y []float32) { // the upper half of a float32
	for i := range y {
		y[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
	}
}

// decodeQ4_0: y = d·(q−8). The first half of the block is in the low four bits.
func decodeQ4_0(b []byte, y []float32) {
	d := float16(b)
	for i, q := range b[2:] {
		y[i] = d * float32(int(q&15)-8)
		y[i+16] = d * float32(int(q>>4)-8)
	}
}

// decodeQ4_1: y = d·q + m.
func decodeQ4_1(b []byte, y []float32) {
	d, m := float16(b), float16(b[2:])
	for i, q := range b[4:] {
		y[i] = d*float32(q&15) + m
		y[i+16] = d*float32(q>>4) + m
	}
}

// decodeQ8_0: y = d·q.
func decodeQ8_0(b []byte, y []float32) {
	d := float16(b)
	for i, q := range b[2:] {
		y[i] = d * float32(int8(q))
	}
}

// decodeQ4_K: eight groups of 32, y = d·scale·q − dmin·min, where scale and min have six
// bits each. Two groups share 32 bytes: one has the low four bits, one the high.
func decodeQ4_K(b []byte, y []float32) {
	d, dmin := float16(b), float16(b[2:])
	packed, q := b[4:16], b[16:]
	for g := range 8 {
		scale, low := packed[g%4]&63, packed[g%4+4]&63
		if g >= 4 { // four bits in the last four bytes, two in the top of the others
			scale = packed[g+4]&15 | packed[g-4]>>6<<4
			low = packed[g+4]>>4 | packed[g]>>6<<4
		}
		s, m := d*float32(scale), dmin*float32(low)
		for i, x := range q[g/2*32 : g/2*32+32] {
			y[g*32+i] = s*float32(x>>(g%2*4)&15) - m
		}
	}
}

// decodeQ6_K: sixteen groups of 16, y = d·scale·(q−32). Of the six bits of q four lie in
// ql and two in qh. Each half of the block is four runs of 32, told apart by which bits
// of the same bytes they use.
func decodeQ6_K(b []byte, y []float32) {
	ql, qh, scales, d := b[:128], b[128:192], b[192:208], float16(b[208:])
	for i := range y {
		part, run, at := i/128, i%128/32, i%32
		low := ql[part*64+run%2*32+at] >> (run / 2 * 4) & 15
		high := qh[part*32+at] >> (run * 2) & 3
		y[i] = d * float32(int8(scales[i/16])) * float32(int(low|high<<4)-32)
	}
}

// encode stores numbers as F32, F16 or Q8_0. A number that float16 cannot hold is an error,
// and so are numbers that do not fill whole blocks.
func encode(t Type, x []float32) ([]byte, error) {
	numbers, bytes := t.block()
	if t != F32 && t != F16 && t != Q8_0 {
		return nil, fmt.Errorf("writing %v is not supported (F32, F16, Q8_0)", t)
	}
	if len(x)%numbers != 0 {
		return nil, fmt.Errorf("%d numbers are no whole number of %v blocks", len(x), t)
	}
	out := make([]byte, 0, len(x)/numbers*bytes)
	for ; len(x) > 0; x = x[numbers:] {
		switch t {
		case F32:
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x[0]))
			continue
		case F16:
			h := toFloat16(x[0])
			if h&0x7fff >= infFloat16 && !math.IsInf(float64(x[0]), 0) && x[0] == x[0] {
				return nil, fmt.Errorf("%g is too large for %v", x[0], t)
			}
			out = binary.LittleEndian.AppendUint16(out, h)
			continue
		}
		var largest float32
		for _, v := range x[:numbers] {
			largest = max(largest, float32(math.Abs(float64(v))))
		}
		d := largest / 127
		h := toFloat16(d)
		if !(largest <= math.MaxFloat32) || h >= infFloat16 {
			return nil, fmt.Errorf("%g is too large for %v", largest, t)
		}
		out = binary.LittleEndian.AppendUint16(out, h)
		scale := float32(0)
		if d > 0 {
			scale = 1 / d
		}
		for _, v := range x[:numbers] {
			out = append(out, byte(int8(math.Round(float64(v*scale)))))
		}
	}
	return out, nil
}

// infFloat16 is infinity as a number of 16 bits.
const infFloat16 = 0x7c00

// float16 reads a number of 16 bits.
func float16(b []byte) float32 {
	h := uint32(binary.LittleEndian.Uint16(b))
	sign, exponent, fraction := h>>15<<31, h>>10&31, h&1023
	switch exponent {
	case 0: // a multiple of the smallest number, 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// toFloat16 rounds x to the nearest number of 16 bits, and of two equally near to the even one.
func toFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000:
		return sign | 0x7e00 // not a number
	case bits >= 0x477ff000: // 65520 and up round to infinity
		return sign | infFloat16
	case bits < 0x38800000: // below 2⁻¹⁴: in units of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(bits))*0x1p24))
	}
	bits -= (127 - 15) << 23
	return sign | uint16((bits+0xfff+bits>>13&1)>>13)
}
