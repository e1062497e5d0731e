package tokenizer

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/*/tokenizer.json that this package makes")

// A golden is what the Hugging Face tokenizers library makes of a tokenizer.json; see
// testdata/README.md.
type golden struct{ Encode, Decode []goldenCase }

type goldenCase struct {
	Text    string
	Error   bool
	Drops   bool // the vocabulary lacks a byte of the text
	IDs     []int32
	Decoded string
	Skipped string `json:"decoded_skip_special"`
}

func readJSON(t testing.TB, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, to), path)
}

func open(t testing.TB, dir string) *Tokenizer {
	t.Helper()
	tok, err := Open(filepath.Join("testdata", dir, "tokenizer.json"))
	require.NoError(t, err)
	return tok
}

// dirs are the folders of testdata that have a tokenizer.
func dirs(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/tokenizer.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(filepath.Dir(path))
	}
	return paths
}

func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/*.json")
	require.NoError(t, err)
	count := 0
	for _, path := range paths {
		if filepath.Base(path) == "tokenizer.json" {
			continue
		}
		count++
		t.Run(path, func(t *testing.T) {
			tok := open(t, filepath.Base(filepath.Dir(path)))
			var g golden
			readJSON(t, path, &g)
			unk := int32(-1)
			if id, ok := tok.ID("<unk>"); ok {
				unk = id
			}
			if len(g.Encode) < 100 || len(g.Decode) < 30 {
				t.Fatal("too few cases")
			}
			for _, c := range g.Encode {
				if ids := tok.Encode(c.Text); !c.Error && !slices.Equal(ids, c.IDs) {
					t.Errorf("Encode(%q) = %v; want %v", c.Text, ids, c.IDs)
				}
				ids, err := tok.EncodeStrict(c.Text)
				switch {
				case c.Error && err == nil:
					t.Errorf("EncodeStrict(%q) = %v; the library refuses it", c.Text, ids)
				case err != nil && !c.Error && !slices.Contains(c.IDs, unk) && !c.Drops:
					t.Errorf("EncodeStrict(%q) = %v; want %v", c.Text, err, c.IDs)
				case err == nil && !slices.Equal(ids, c.IDs):
					t.Errorf("EncodeStrict(%q) = %v; want %v", c.Text, ids, c.IDs)
				}
			}
			for _, c := range append(g.Encode, g.Decode...) {
				if got := tok.Decode(c.IDs); got != c.Decoded {
					t.Errorf("Decode(%v) = %q, want %q", c.IDs, got, c.Decoded)
				}
				if got := tok.DecodeText(c.IDs); got != c.Skipped {
					t.Errorf("DecodeText(%v) = %q, want %q", c.IDs, got, c.Skipped)
				}
			}
		})
	}
	if count != 16 {
		t.Errorf("%d files of cases, want 16", count)
	}
}

// TestSave holds Save to the files that the library has read, and what it reads back.
func TestSave(t *testing.T) {
	words, err := NewWordLevel(
		[]string{"0", "1", "12", "+", "=", "a", "naïve", `"`, "<b>", "&", "中文", "\\", "unk", "<unk>"},
		[]string{"<|continue|>", "<|reflect|>", "<|explore|>", "<eos>"})
	require.NoError(t, err)
	saved := open(t, "qwen")
	ids, err := saved.AddSpecial("<|restart|>", "naïve token", "<|reflect|>", "Ġthe", "日本", "<|restart|>")
	if want := []int32{606, 607, 601, mustID(t, saved, "Ġthe"), 608, 606}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("AddSpecial = %v, want %v", ids, want)
	}
	for dir, tok := range map[string]*Tokenizer{"words": words, "saved": saved} {
		golden := filepath.Join("testdata", dir, "tokenizer.json")
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if *update {
			path = golden
		}
		require.NoError(t, tok.Save(path))
		got, want := readFile(t, path), readFile(t, golden)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: Save wrote\n%.400s\nwant\n%.400s", dir, got, want)
		}
		again, err := Parse(got)
		require.NoError(t, err)
		if again.Len() != tok.Len() {
			t.Errorf("%s: %d ids read, %d saved", dir, again.Len(), tok.Len())
		}
		for id := range int32(tok.Len()) {
			a, _ := tok.Token(id)
			b, _ := again.Token(id)
			if back, ok := again.ID(a); a != b || !ok || back != id || again.IsSpecial(id) != tok.IsSpecial(id) {
				t.Errorf("%s: id %d is %q, special %v; read back it is %q, special %v, id %d", dir, id, a, tok.IsSpecial(id), b, again.IsSpecial(id), back)
			}
		}
	}
}

func mustID(t testing.TB, tok *Tokenizer, token string) int32 {
	t.Helper()
	id, ok := tok.ID(token)
	if !ok {
		t.Fatalf("no token %q", token)
	}
	return id
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}
