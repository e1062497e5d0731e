package gguf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden.json was made by the gguf package of llama.cpp (../testdata/golden.py quants).
type golden struct {
	Decode map[string]struct {
		Raw    string
		Values []float64
	}
	Encode struct {
		Values    []float64
		F16, Q8_0 string
	}
}

func readGolden(t testing.TB) (g golden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "quants.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// Random blocks have the values that llama.cpp's own package gives them. It computes a
// value in another order of operations, so the last bit may differ.
func TestDecodeGolden(t *testing.T) {
	types := []Type{F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K}
	g := readGolden(t)
	for _, kind := range types {
		c := g.Decode[kind.String()]
		out := make([]float32, len(c.Values))
		require.NoError(t, decode(kind, fromHex(t, c.Raw), out))
		for i, want := range c.Values {
			if d := math.Abs(float64(out[i]) - want); d > 2e-7*math.Abs(want)+1e-9 || len(out) == 0 {
				t.Fatalf("%v: value %d is %g, want %g", kind, i, out[i], want)
			}
		}
	}
}

func TestEncodeGolden(t *testing.T) {
	g := readGolden(t)
	x := make([]float32, len(g.Encode.Values))
	for i, v := range g.Encode.Values {
		x[i] = float32(v)
	}
	for kind, want := range map[Type]string{F16: g.Encode.F16, Q8_0: g.Encode.Q8_0} {
		got, err := encode(kind, x)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%v: %x, want %s, %v", kind, got, want, err)
		}
	}
}

// Every float16 survives the way to float32 and back.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		x := float16(binary.LittleEndian.AppendUint16(nil, uint16(h)))
		back := toFloat16(x)
		if back != uint16(h) && x == x {
			t.Fatalf("%#x is %g and back %#x", h, x, back)
		}
		if x != x && (back&0x7fff <= infFloat16) {
			t.Fatalf("%#x is no number, but back it is %#x", h, back)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		kind Type
		x    []float32
		want string
	}{
		{F16, []float32{65520}, "65520 is too large for F16"},
		{Q8_0, slices.Repeat([]float32{9e6}, 32), "9e+06 is too large for Q8_0"},
		{Q8_0, slices.Repeat([]float32{float32(math.Inf(1))}, 32), "+Inf is too large for Q8_0"},
		{Q8_0, make([]float32, 33), "33 numbers are no whole number of Q8_0 blocks"},
		{Q4_K, make([]float32, 256), "writing Q4_K is not supported"},
		{Type(10), make([]float32, 256), "writing Q2_K is not supported"},
	} {
		if _, err := encode(c.kind, c.x); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// sample is a small file with a value of every kind.
func sample(t testing.TB) ([]byte, map[string]any) {
	metadata := map[string]any{
		"general.architecture": "llama", "u8": uint8(1), "i8": int8(-2), "u16": uint16(3), "i16": int16(-4), "u32": uint32(5), "i32": int32(-6),
		"u64": uint64(7), "i64": int64(-8), "f32": float32(0.5), "f64": 0.25, "yes": true, "no": false,
		"a.u8": []uint8{1, 2}, "a.i8": []int8{-1}, "a.u16": []uint16{1}, "a.i16": []int16{-1}, "a.u32": []uint32{1}, "a.i32": []int32{-1, 5},
		"a.u64": []uint64{1}, "a.i64": []int64{-1}, "a.f32": []float32{1.5, -2}, "a.f64": []float64{3}, "a.bool": []bool{true, false},
		"a.text": []string{"", "Ġthe", "\xff"}, "a.none": []string{},
	}
	floats := func(x ...float32) func() ([]float32, error) {
		return func() ([]float32, error) { return x, nil }
	}
	var b bytes.Buffer
	err := Write(&b, metadata, []Source{
		{"matrix", F32, []int{2, 3}, floats(1, 2, 3, 4, 5, 6)},
		{"vector", F16, []int{3}, floats(0.5, -1, 65504)},
		{"block", Q8_0, []int{1, 32}, floats(slices.Repeat([]float32{127, 0}, 16)...)},
	})
	require.NoError(t, err)
	return b.Bytes(), metadata
}

func TestWriteRead(t *testing.T) {
	data, metadata := sample(t)
	f, err := Read(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	if !reflect.DeepEqual(f.Metadata, metadata) {
		t.Errorf("metadata %v\nwant %v", f.Metadata, metadata)
	}
	want := []struct {
		name string
		kind Type
		dims []int
		x    []float32
	}{
		{"matrix", F32, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"vector", F16, []int{3}, []float32{0.5, -1, 65504}},
		{"block", Q8_0, []int{1, 32}, slices.Repeat([]float32{127, 0}, 16)},
	}
	for i, w := range want {
		tensor := f.Tensors[i]
		x, err := f.Floats(tensor)
		if err != nil || tensor.Name != w.name || tensor.Type != w.kind || !slices.Equal(tensor.Dims, w.dims) || !slices.Equal(x, w.x) {
			t.Errorf("tensor %+v: %v, %v", tensor, x, err)
		}
	}
	again, _ := sample(t)
	if !bytes.Equal(data, again) {
		t.Error("the second file differs")
	}
}

func TestWriteRefuses(t *testing.T) {
	one := func() ([]float32, error) { return []float32{1}, nil }
	for _, c := range []struct {
		metadata map[string]any
		tensor   Source
		want     string
	}{
		{map[string]any{"k": 1}, Source{}, `metadata "k": a value of type int is not supported`},
		{map[string]any{"general.alignment": uint32(3)}, Source{}, `"general.alignment" is 3, want a power of two`},
		{nil, Source{"a", F32, []int{2}, one}, `tensor "a": has 1 numbers, which do not fill the shape [2]`},
		{nil, Source{"a", F32, nil, one}, `tensor "a": has shape []`},
		{nil, Source{"a", Q8_0, []int{32, 1}, one}, `tensor "a": its rows of 1 are no whole number of Q8_0 blocks`},
		{nil, Source{"a", Q4_0, []int{32}, one}, `tensor "a": writing Q4_0 is not supported`},
		{nil, Source{"a", F32, []int{1}, func() ([]float32, error) { return nil, os.ErrClosed }}, `tensor "a": file already closed`},
	} {
		if err := Write(&bytes.Buffer{}, c.metadata, []Source{c.tensor}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good, _ := sample(t)
	replace := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the file has no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	u32 := func(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }
	u64 := func(v uint64) string { return string(binary.LittleEndian.AppendUint64(nil, v)) }
	matrix := "matrix" + u32(2) + u64(3) + u64(2)
	for _, c := range []struct {
		data []byte
		want string
	}{
		{nil, "is no GGUF file"},
		{[]byte("GGML"), "is no GGUF file"},
		{replace("GGUF\x03", "GGUF\x01"), "version 1 (0x1) is not supported"},
		{replace("GGUF\x03\x00\x00\x00", "GGUF\x00\x00\x00\x03"), "version 50331648 (0x3000000)"},
		{good[:len(good)-40], `are not in a file of`},
		{good[:200], "is it whole"},
		{replace("u16"+u32(kindUint16), "u16"+u32(99)), `key "u16": a value of kind 99 is not supported`},
		{replace("u16"+u32(kindUint16), "u32"+u32(kindUint16)), `key "u32" is given twice`},
		{replace("yes"+u32(kindBool)+"\x01", "yes"+u32(kindBool)+"\x02"), `key "yes": 2 is no bool`},
		{replace("a.f32"+u32(kindArray)+u32(kindFloat32), "a.f32"+u32(kindArray)+u32(kindArray)), `key "a.f32": an array of kind 9 is not supported`},
		{replace("a.f32"+u32(kindArray)+u32(kindFloat32)+u64(2), "a.f32"+u32(kindArray)+u32(kindFloat32)+u64(1<<60)), `key "a.f32": an array of 1152921504606846976 does not fit`},
		{replace(u64(20)+"general.architecture", u64(1<<40)+"general.architecture"), "a string of 1099511627776 bytes does not fit"},
		{replace("matrix", "vector"), `tensor "vector" is given twice`},
		{replace("matrix"+u32(2), "matrix"+u32(5)), `"matrix": has 5 axes`},
		{replace(matrix, "matrix"+u32(2)+u64(1<<62)+u64(4)), `"matrix": an axis of 4611686018427387904 does not fit`},
		{replace(matrix, "matrix"+u32(2)+u64(0)+u64(2)), `"matrix": an axis of 0`},
		{replace(matrix+u32(0), matrix+u32(10)), `"matrix": is Q2_K, which is not supported`},
		{replace(matrix+u32(0), matrix+u32(77)), `"matrix": is type 77, which is not supported`},
		{replace(matrix+u32(0), matrix+u32(8)), `"matrix": its rows of 3 are no whole number of Q8_0 blocks`},
		{replace(matrix+u32(0)+u64(0), matrix+u32(0)+u64(16)), `tensor "matrix": offset 16 is no multiple of the alignment 32`},
		{replace(matrix+u32(0)+u64(0), matrix+u32(0)+u64(32)), `tensors "matrix" and "vector" overlap`},
	} {
		if _, err := Read(bytes.NewReader(c.data), int64(len(c.data))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.gguf")); err == nil || !strings.Contains(err.Error(), "none.gguf") {
		t.Errorf("error %v", err)
	}
}

// Whatever is in the file, there is no panic, and no more is allocated than a small
// multiple of its size.
func FuzzRead(f *testing.F) {
	good, _ := sample(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := Read(bytes.NewReader(data), int64(len(data)))
		total := 0
		if err == nil {
			for _, tensor := range file.Tensors {
				x, err := file.Floats(tensor)
				if err != nil {
					t.Errorf("tensor %+v: %v", tensor, err)
				}
				total += len(x)
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<18+64*len(data)) || total > 2*len(data) {
			t.Errorf("%d bytes allocated and %d numbers for a file of %d", used, total, len(data))
		}
	})
}
