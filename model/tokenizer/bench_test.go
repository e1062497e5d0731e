package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkEncode encodes documents of 2 KB, with the files of testdata or, if it is
// set, of the directory that SATORI_TOKENIZERS names (see TestRealFiles).
func BenchmarkEncode(b *testing.B) {
	var g golden
	readJSON(b, "testdata/gpt2/cases.json", &g)
	var all strings.Builder
	for _, c := range g.Encode {
		all.WriteString(c.Text)
		all.WriteString("\n")
	}
	const size = 2048
	var docs []string
	for text := ValidUTF8(all.String()); len(text) > size; text = text[size:] {
		docs = append(docs, text[:size])
	}
	for _, path := range benchPaths(b) {
		tok, err := Open(path)
		require.NoError(b, err)
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.SetBytes(int64(len(docs) * size))
			b.ReportAllocs()
			tokens := 0
			for b.Loop() {
				for _, doc := range docs {
					tokens += len(tok.Encode(doc))
				}
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, path := range benchPaths(b) {
		tok, err := Open(path)
		require.NoError(b, err)
		text := strings.Repeat("Let me check: 12 + 30 = 42 apples in all.\n", 50)
		ids := tok.Encode(text)
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tok.Decode(ids)
			}
			b.ReportMetric(float64(len(ids))*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func benchPaths(b *testing.B) []string {
	dir := os.Getenv(realVariable)
	if dir == "" {
		return []string{"testdata/gpt2", "testdata/qwen", "testdata/mistral"}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "cases.json"))
	if err != nil || len(paths) == 0 {
		b.Fatalf("%s=%s has no */cases.json", realVariable, dir)
	}
	for i, path := range paths {
		paths[i] = filepath.Dir(path)
	}
	return paths
}
