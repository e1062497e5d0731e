package sugarme

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	lib "github.com/sugarme/tokenizer"

	"github.com/satori-go/satori/model/tokenizer"
)

var (
	_ lib.Model        = Model{}
	_ lib.PreTokenizer = PreTokenizer{}
	_ lib.Decoder      = Decoder{}
)

func open(t testing.TB, dir string) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Open(filepath.Join("../testdata", dir))
	require.NoError(t, err)
	return tok
}

func texts(t testing.TB, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var g struct{ Encode []struct{ Text string } }
	require.NoError(t, json.Unmarshal(data, &g))
	out := []string{"", "\xff", "a\xe2\x82b", "\x00\u212a\x00", "<|im_end|><|im_start|>", "aaaaa     \n\n\n", "\n\u1112\u1161\u11ab\u0301x"}
	for _, c := range g.Encode {
		out = append(out, c.Text)
	}
	return out
}

// check holds the library's tokenizer to the core on a text.
func check(t *testing.T, tok *tokenizer.Tokenizer, tk *lib.Tokenizer, text string) {
	t.Helper()
	e, err := Encode(tk, text)
	if err != nil {
		t.Errorf("Encode(%q): %v", text, err)
		return
	}
	want := tok.Encode(text)
	ids := make([]int32, len(e.Ids))
	for i, id := range e.Ids {
		ids[i] = int32(id)
	}
	if !slices.Equal(ids, want) {
		t.Errorf("Encode(%q) = %v, want %v", text, ids, want)
	}
	if _, special := tok.ID("<right>"); special {
		return // testdata/stripped has special tokens that are normalized; see the package comment
	}
	if got := tk.Decode(e.Ids, false); got != tok.Decode(want) {
		t.Errorf("Decode(%v) = %q, want %q", e.Ids, got, tok.Decode(want))
	}
	if got := tk.Decode(e.Ids, true); got != tok.DecodeText(want) {
		t.Errorf("Decode(%v, true) = %q, want %q", e.Ids, got, tok.DecodeText(want))
	}
	last, size := 0, len(tokenizer.ValidUTF8(text))
	for i, o := range e.Offsets {
		if o[0] < last || o[1] < o[0] || o[1] > size {
			t.Errorf("%q: token %d of %v has the offsets %v after %d", text, i, e.Tokens, o, last)
			return
		}
		last = o[0]
	}
}

func TestIDs(t *testing.T) {
	paths, err := filepath.Glob("../testdata/*/random.json")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		dir := filepath.Base(filepath.Dir(path))
		t.Run(dir, func(t *testing.T) {
			tok := open(t, dir)
			tk := New(tok)
			for _, text := range texts(t, path) {
				check(t, tok, tk, text)
			}
		})
	}
}

// TestRealFiles runs the texts of TestRealFiles of the core, which describes the variable.
func TestRealFiles(t *testing.T) {
	dir := os.Getenv("SATORI_TOKENIZERS")
	if dir == "" {
		t.Skip("SATORI_TOKENIZERS is not set: the tokenizer.json of published models are not tested")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "cases.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("SATORI_TOKENIZERS=%s has no */cases.json", dir)
	}
	for _, path := range paths {
		tok, err := tokenizer.Open(filepath.Dir(path))
		require.NoError(t, err)
		tk := New(tok)
		all := texts(t, path)
		for _, text := range all {
			check(t, tok, tk, text)
		}
		t.Logf("%s: %d texts", path, len(all))
	}
}

// TestOffsets compares with the offsets of the Rust library (0.23.3), in bytes.
func TestOffsets(t *testing.T) {
	for _, c := range []struct{ dir, text, want string }{
		{"qwen", "It's  the 12é中\n", "0-1 1-2 2-4 4-5 5-9 9-10 10-11 11-12 12-14 12-14 14-17 14-17 14-17 17-18"},
		{"mistral", "It's  the 12é中\n", "0-2 2-3 3-4 4-5 5-9 9-10 10-11 11-12 12-14 14-17 17-18"},
		{"gemma", " a\n\n<s>b", "0-2 2-4 4-7 7-8"},
		{"metaspace", "It's the", "0-2 2-3 3-4 4-8"},
		{"gpt2", "😀 x", "0-4 0-4 0-4 0-4 4-6"},
	} {
		e, err := Encode(New(open(t, c.dir)), c.text)
		require.NoError(t, err)
		var got []string
		for _, o := range e.Offsets {
			got = append(got, fmt.Sprintf("%d-%d", o[0], o[1]))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: offsets of %q are %s, want %s", c.dir, c.text, got, c.want)
		}
	}
}

func TestModel(t *testing.T) {
	m := Model{open(t, "qwen")}
	tokens, err := m.Tokenize("a<|im_end|>b")
	if err != nil || len(tokens) != 3 || tokens[1].Value != "<|im_end|>" || !slices.Equal(tokens[1].Offsets, []int{1, 11}) {
		t.Errorf("Tokenize = %v, %v", tokens, err)
	}
	if id, ok := m.TokenToId("<|im_end|>"); !ok || id != 604 {
		t.Errorf("TokenToId = %d, %v", id, ok)
	}
	if token, ok := m.IdToToken(1 << 40); ok {
		t.Errorf("IdToToken = %q", token)
	}
	if got := Decoder(m).DecodeChain([]string{"Ġa", "b"}); !slices.Equal(got, []string{" ab"}) {
		t.Errorf("DecodeChain = %q", got)
	}
	dir := t.TempDir()
	require.NoError(t, m.Save(filepath.Join(dir, "new"), "my"))
	if _, err := tokenizer.Open(filepath.Join(dir, "new", "my-tokenizer.json")); err != nil {
		t.Error(err)
	}
}

// TestCoreDoesNotLink keeps the library, and what it brings, out of the core.
func TestCoreDoesNotLink(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/satori-go/satori/model/tokenizer", "github.com/satori-go/satori/model").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	if !strings.Contains(string(out), "satori/model/tokenizer\n") || strings.Contains(string(out), "sugarme") {
		t.Errorf("the core links the library, or is not in the list:\n%s", out)
	}
}

func ExampleNew() {
	tok, err := tokenizer.Open("../testdata/qwen")
	if err != nil {
		panic(err)
	}
	tk := New(tok)
	e, err := tk.EncodeSingle("It's the<|im_end|>")
	fmt.Println(e.Ids, e.Tokens, e.Offsets, err)
	fmt.Println(tk.Decode(e.Ids, true))
	// Output:
	// [40 83 393 260 604] [I t 's Ġthe <|im_end|>] [[0 1] [1 2] [2 4] [4 8] [8 18]] <nil>
	// It's the
}
