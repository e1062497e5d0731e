package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// maxHeader bounds a safetensors header, as the reference implementation does.
const maxHeader = 100 << 20

type tensorInfo struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// named is a tensor on the host.
type named struct {
	spec
	data []float32
}

// writeSafetensors writes f32 tensors in their order, with metadata format=pt, which
// transformers asks for.
func writeSafetensors(path string, list []named) error {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var end int64
	for _, t := range list {
		size := int64(4 * len(t.data))
		header[t.name] = tensorInfo{"F32", t.dims, [2]int64{end, end + size}}
		end += size
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(head)%8 != 0 { // tensors begin at a multiple of 8, as the format asks
		head = append(head, ' ')
	}
	buf := make([]byte, 8, 8+len(head)+int(end))
	binary.LittleEndian.PutUint64(buf, uint64(len(head)))
	buf = append(buf, head...)
	for _, t := range list {
		for _, x := range t.data {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
		}
	}
	return os.WriteFile(path, buf, 0o644)
}

// readSafetensors reads exactly the wanted f32 tensors: a missing, unexpected,
// misshapen or cut tensor is an error that names it, before any data is read.
func readSafetensors(path string, want []spec) ([]named, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fail := func(format string, args ...any) ([]named, error) {
		return nil, fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var size uint64
	if err := binary.Read(f, binary.LittleEndian, &size); err != nil {
		return fail("is no safetensors file: it ends within its first 8 bytes")
	}
	if size > maxHeader || int64(size) > stat.Size()-8 {
		return fail("is no whole safetensors file: header of %d bytes in a file of %d", size, stat.Size())
	}
	head := make([]byte, size)
	if _, err := io.ReadFull(f, head); err != nil {
		return fail("header: %w", err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(head, &raw); err != nil {
		return fail("header: %w", err)
	}
	base, body := int64(8+size), stat.Size()-int64(8+size)
	infos := map[string]tensorInfo{}
	var faults []error
	for name, text := range raw {
		if name == "__metadata__" {
			continue
		}
		var t tensorInfo
		if err := json.Unmarshal(text, &t); err != nil {
			faults = append(faults, fmt.Errorf("tensor %q: %w", name, err))
		}
		infos[name] = t
		if !slices.ContainsFunc(want, func(s spec) bool { return s.name == name }) {
			faults = append(faults, fmt.Errorf("tensor %q is not one of this model's", name))
		}
	}
	for _, s := range want {
		t, ok := infos[s.name]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("tensor %q is missing", s.name))
		case t.DType != "F32":
			faults = append(faults, fmt.Errorf("tensor %q is %s; only F32 is supported", s.name, t.DType))
		case !slices.Equal(t.Shape, s.dims):
			faults = append(faults, fmt.Errorf("tensor %q has shape %v, want %v", s.name, t.Shape, s.dims))
		case t.Offsets[0] < 0 || t.Offsets[1]-t.Offsets[0] != int64(4*s.size()) || t.Offsets[1] > body:
			faults = append(faults, fmt.Errorf("tensor %q: bytes %d to %d do not hold %v in a body of %d", s.name, t.Offsets[0], t.Offsets[1], s.dims, body))
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b error) int { // maps have no order
			if a.Error() < b.Error() {
				return -1
			}
			return 1
		})
		return fail("%w", errors.Join(faults...))
	}
	var list []named
	for _, s := range want {
		data := make([]byte, 4*s.size())
		if _, err := f.ReadAt(data, base+infos[s.name].Offsets[0]); err != nil {
			return fail("tensor %q: %w", s.name, err)
		}
		t := named{s, make([]float32, s.size())}
		for i := range t.data {
			t.data[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		list = append(list, t)
	}
	return list, nil
}

// ReplaceDir makes a directory whole or not at all: write fills a temporary directory
// beside it, whose files are synced before it takes the place of dir. After a crash
// and [RecoverDir], dir is either as it was or as written.
func ReplaceDir(dir string, write func(tmp string) error) (err error) {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := errors.Join(RecoverDir(dir), write(tmp)); err != nil {
		return err
	}
	files, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := syncFile(filepath.Join(tmp, f.Name())); err != nil {
			return err
		}
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	old := dir + oldSuffix
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.RemoveAll(old)
	if err := os.Rename(tmp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return syncFile(parent)
}

// oldSuffix is where a directory stands for the moment in which it is replaced.
const oldSuffix = ".old"

// RecoverDir puts a directory back that a crash has left half replaced.
func RecoverDir(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir+oldSuffix, dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
