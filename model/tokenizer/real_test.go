package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// realVariable names a directory with one folder a tokenizer, each with the
// tokenizer.json of a published model and, as cases.json, what the tokenizers library
// makes of texts with it. testdata/cases.py writes those.
const realVariable = "SATORI_TOKENIZERS"

func TestRealFiles(t *testing.T) {
	dir := os.Getenv(realVariable)
	if dir == "" {
		t.Skipf("%s is not set: the tokenizer.json of published models are not tested", realVariable)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "cases.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s=%s has no */cases.json", realVariable, dir)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) {
			tok, err := Open(filepath.Dir(path))
			require.NoError(t, err)
			var g golden
			readJSON(t, path, &g)
			wrong := 0
			for _, c := range g.Encode {
				if ids := tok.Encode(c.Text); !slices.Equal(ids, c.IDs) {
					if wrong++; wrong < 10 {
						t.Errorf("Encode(%.200q) = %v, want %v", c.Text, ids, c.IDs)
					}
				}
			}
			for _, c := range append(g.Encode, g.Decode...) {
				if got := tok.Decode(c.IDs); got != c.Decoded {
					if wrong++; wrong < 20 {
						t.Errorf("Decode(%.200v) = %.200q, want %.200q", c.IDs, got, c.Decoded)
					}
				}
				if got := tok.DecodeText(c.IDs); got != c.Skipped {
					if wrong++; wrong < 20 {
						t.Errorf("DecodeText(%.200v) = %.200q, want %.200q", c.IDs, got, c.Skipped)
					}
				}
			}
			t.Logf("%d texts and %d id sequences, %d differences", len(g.Encode), len(g.Decode), wrong)
		})
	}
}
