package hf

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/stored"
)

// maxHeader bounds the header of a file, as the reference implementation does.
const maxHeader = 100 << 20

// A tensorInfo is an entry of a header.
type tensorInfo struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// A floatType is a type of numbers in a file.
type floatType struct {
	bytes int64 // of a number
	read  func(b []byte) float32
}

// floatTypes has the types of tensors that are read.
var floatTypes = map[string]floatType{
	"F32":  {4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	"F16":  {2, func(b []byte) float32 { return float16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }},
	"BF16": {2, func(b []byte) float32 { return bfloat16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }},
}

// WriteTensors writes a .safetensors file of tensors in f32, in the order of the list. It calls
// value for one tensor at a time.
func WriteTensors(path string, list []decoder.Spec, value func(i int) []float32) error {
	return writeSafetensors(path, list, func(decoder.Spec) bool { return false }, value)
}

// ReadTensors reads a .safetensors file that has exactly the tensors of the list, and returns
// their numbers in its order. Errors name the file and the tensors.
func ReadTensors(path string, list []decoder.Spec) ([][]float32, error) {
	have, file, err := openSafetensors(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := stored.Check(have, list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	values := make([][]float32, len(list))
	for i, s := range list {
		if values[i], err = have[s.Name].Read(); err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", path, s.Name, err)
		}
	}
	return values, nil
}

// writeSafetensors writes tensors in the order of the list, as BF16 where bf16 says so and as F32
// otherwise, with the metadata format=pt, which transformers requires. It calls value for one
// tensor at a time.
func writeSafetensors(path string, list []decoder.Spec, bf16 func(decoder.Spec) bool, value func(i int) []float32) error {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var end int64
	for _, t := range list {
		kind, size := "F32", 4*int64(t.Size())
		if bf16(t) {
			kind, size = "BF16", size/2
		}
		header[t.Name] = tensorInfo{kind, t.Dims, [2]int64{end, end + size}}
		end += size
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(head)%8 != 0 { // tensors begin at a multiple of 8, as the format asks
		head = append(head, ' ')
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f) // keeps its first error until Flush
	w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(head))))
	w.Write(head)
	var word [4]byte
	for i, t := range list {
		if bf16(t) {
			for _, x := range bfloat16.FromFloat32s(value(i)...) {
				binary.LittleEndian.PutUint16(word[:], x.Bits())
				w.Write(word[:2])
			}
			continue
		}
		for _, x := range value(i) {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(x))
			w.Write(word[:])
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// openSafetensors opens a file and lists its tensors, whose data is read later. It checks the
// header against the file: the bytes of each tensor hold its type and shape, and the tensors
// fill the file without a gap or an overlap.
func openSafetensors(path string) (map[string]stored.Tensor, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	stat, err := f.Stat()
	if err == nil {
		var have map[string]stored.Tensor
		if have, err = readHeader(f, stat.Size()); err == nil {
			for name, t := range have {
				t.Where = filepath.Base(path)
				have[name] = t
			}
			return have, f, nil
		}
	}
	return nil, nil, fmt.Errorf("%s: %w", path, errors.Join(err, f.Close()))
}

func readHeader(r io.ReaderAt, fileSize int64) (map[string]stored.Tensor, error) {
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, errors.New("is no safetensors file: it ends within its first 8 bytes")
	}
	size := binary.LittleEndian.Uint64(prefix[:])
	if size > maxHeader || int64(size) > fileSize-8 {
		return nil, fmt.Errorf("is no whole safetensors file: header of %d bytes in a file of %d", size, fileSize)
	}
	head := make([]byte, size)
	if _, err := r.ReadAt(head, 8); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	infos, err := parseHeader(head)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	base, body := int64(8+size), fileSize-int64(8+size)
	have := make(map[string]stored.Tensor, len(infos))
	var faults []error
	for name, t := range infos {
		kind, known := floatTypes[t.DType]
		numbers, fits := count(t.Shape, body)
		switch {
		case !known:
			faults = append(faults, fmt.Errorf("tensor %q is %s, which is not supported (F32, F16, BF16)", name, t.DType))
		case t.Offsets[0] < 0 || t.Offsets[1] > body || !fits || t.Offsets[1]-t.Offsets[0] != numbers*kind.bytes:
			faults = append(faults, fmt.Errorf("tensor %q: bytes %d to %d do not hold %v of %s in a body of %d", name, t.Offsets[0],
				t.Offsets[1], t.Shape, t.DType, body))
		default:
			have[name] = stored.Tensor{Dims: t.Shape, Read: func() ([]float32, error) {
				return readFloats(r, base+t.Offsets[0], int(numbers), kind)
			}}
		}
	}
	if len(faults) > 0 {
		return nil, stored.Join(faults)
	}
	// With tensors that share bytes, a small file could make a large model.
	end := int64(0)
	names := slices.SortedFunc(maps.Keys(infos), func(a, b string) int {
		return cmp.Or(cmp.Compare(infos[a].Offsets[0], infos[b].Offsets[0]), cmp.Compare(infos[a].Offsets[1], infos[b].Offsets[1]))
	})
	for _, name := range names {
		if from := infos[name].Offsets[0]; from != end {
			return nil, fmt.Errorf("tensor %q begins at byte %d, the one before it ends at %d", name, from, end)
		}
		end = infos[name].Offsets[1]
	}
	if end != body {
		return nil, fmt.Errorf("the tensors end at byte %d of a body of %d", end, body)
	}
	return have, nil
}

// parseHeader reads the JSON object of a header. A name that comes twice is an error.
func parseHeader(head []byte) (map[string]tensorInfo, error) {
	d := json.NewDecoder(bytes.NewReader(head))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("is no JSON object")
	}
	infos := map[string]tensorInfo{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if name == "__metadata__" {
			var skip map[string]string
			if err := d.Decode(&skip); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		var t tensorInfo
		if _, twice := infos[name]; twice {
			return nil, fmt.Errorf("tensor %q is given twice", name)
		}
		if err := d.Decode(&t); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		infos[name] = t
	}
	_, err := d.Token() // the closing brace
	return infos, err
}

// count multiplies a shape. It returns false for a size below zero and for a product above most.
func count(shape []int, most int64) (int64, bool) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && n > most/int64(d) {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}

// readFloats reads n numbers of a type as float32.
func readFloats(r io.ReaderAt, offset int64, n int, kind floatType) ([]float32, error) {
	out := make([]float32, n)
	const chunk = 1 << 18
	buf := make([]byte, int64(min(n, chunk))*kind.bytes)
	for at := 0; at < n; at += chunk {
		part := out[at:min(n, at+chunk)]
		buf = buf[:int64(len(part))*kind.bytes]
		if _, err := r.ReadAt(buf, offset+int64(at)*kind.bytes); err != nil {
			return nil, err
		}
		for i := range part {
			part[i] = kind.read(buf[int64(i)*kind.bytes:])
		}
	}
	return out, nil
}

// storedBytes counts the bytes of a stored tensor.
func storedBytes(c decoder.Config, s decoder.Spec) int64 {
	if c.BF16Stored(s) {
		return 2 * int64(s.Size())
	}
	return 4 * int64(s.Size())
}
