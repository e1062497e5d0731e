package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

func TestNewWordLevelRefuses(t *testing.T) {
	for _, c := range []struct {
		words, special []string
		want           string
	}{
		{[]string{"a", ""}, nil, `"" is not a word`},
		{[]string{"a b"}, nil, `"a b" is not a word`},
		{[]string{"a\u3000b"}, nil, `is not a word`},
		{[]string{"a"}, []string{"<\n>"}, `is not a word`},
		{[]string{"\xff"}, nil, `is not a word`},
		{[]string{"a", "a"}, nil, `"a" is given twice`},
		{[]string{"a"}, []string{"a"}, `"a" is given twice`},
		{[]string{"a<e>"}, []string{"<e>"}, `token "<e>" would cut the word "a<e>"`},
	} {
		if _, err := NewWordLevel(c.words, c.special); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewWordLevel(%q, %q) = %v, want %s", c.words, c.special, err, c.want)
		}
	}
	tok, err := NewWordLevel(nil, nil)
	if err != nil || tok.Len() != 0 {
		t.Errorf("NewWordLevel of nothing: %d ids, %v", tok.Len(), err)
	}
}

func TestUnknown(t *testing.T) {
	const bytes = `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"ByteLevel"},
		"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}}`
	words := string(readFile(t, "testdata/words/tokenizer.json"))
	for _, c := range []struct {
		file, text string
		ids        []int32
		want       string // the error of EncodeStrict
	}{
		{words, "1 + zwei = 3", []int32{1, 3, 4}, `word "zwei" is not in the vocabulary`},
		{bytes, "aéa", []int32{0, 0}, `"\xc3" in "aéa" is not in the vocabulary`},
		{strings.Replace(bytes, `"a":0}`, `"a":0,"?":1},"unk_token":"?"`, 1), "aéa", []int32{0, 1, 1, 0}, `"\xc3" in "aéa" is not`},
		{strings.Replace(bytes, `"a":0}`, `"a":0,"?":1},"unk_token":"?","fuse_unk":true`, 1), "aéa", []int32{0, 1, 0}, `"\xc3" in "aéa" is not`},
		{strings.Replace(bytes, `"a":0}`, `"a":0,"<|x|>":1},"unk_token":"<|x|>"`, 1), "aa", []int32{0, 0}, ""},
	} {
		tok, err := Parse([]byte(c.file))
		require.NoError(t, err)
		if ids := tok.Encode(c.text); !slices.Equal(ids, c.ids) {
			t.Errorf("Encode(%q) = %v, want %v", c.text, ids, c.ids)
		}
		ids, err := tok.EncodeStrict(c.text)
		if c.want == "" && (err != nil || !slices.Equal(ids, c.ids)) {
			t.Errorf("EncodeStrict(%q) = %v, %v", c.text, ids, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), "tokenizer: "+c.want)) {
			t.Errorf("EncodeStrict(%q) = %v, want %s", c.text, err, c.want)
		}
	}
}

func TestIDs(t *testing.T) {
	tok := open(t, "gpt2")
	for _, id := range []int32{-1, 606, 1 << 30} {
		if token, ok := tok.Token(id); ok {
			t.Errorf("Token(%d) = %q", id, token)
		}
		if tok.IsSpecial(id) {
			t.Errorf("IsSpecial(%d)", id)
		}
	}
	if id, ok := tok.ID("none such"); ok {
		t.Errorf("ID = %d", id)
	}
	if got := tok.Decode([]int32{-1, mustID(t, tok, "he"), 9999}); got != "he" {
		t.Errorf("Decode = %q, want unknown ids left out", got)
	}
}

func TestAddSpecial(t *testing.T) {
	tok := open(t, "words")
	ids, err := tok.AddSpecial("<|reflect|>", "<new>", "+", "<new>")
	if want := []int32{15, 18, 3, 18}; err != nil || !slices.Equal(ids, want) || tok.Len() != 19 {
		t.Errorf("AddSpecial = %v, Len %d; want %v, 19", ids, tok.Len(), want)
	}
	ids = tok.Encode("0<new>1 +")
	if want := []int32{0, 18, 1, 3}; !slices.Equal(ids, want) {
		t.Errorf("Encode = %v; want %v", ids, want)
	}
	if got := tok.DecodeText(ids); got != "0 1" {
		t.Errorf("DecodeText = %q", got)
	}
	for _, token := range []string{"", "\xff", "a b", "naï"} {
		if _, err := tok.AddSpecial("<fine>", token); err == nil {
			t.Errorf("AddSpecial(%q): no error", token)
		}
	}
	if tok.Len() != 19 {
		t.Errorf("a refused AddSpecial left %d ids", tok.Len())
	}
}

func TestSaveReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenizer.json")
	for _, name := range []string{"words", "gpt2"} {
		require.NoError(t, open(t, name).Save(path))
	}
	if tok, err := Open(path); err != nil || tok.Len() != 606 {
		t.Errorf("Open: %v", err)
	}
	if err := open(t, "gpt2").Save(dir); err == nil { // a folder cannot be replaced by a file
		t.Error("Save onto a folder succeeded")
	}
	if err := open(t, "gpt2").Save(filepath.Join(dir, "none", "x.json")); err == nil {
		t.Error("Save into a folder that does not exist succeeded")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestValidUTF8(t *testing.T) {
	var cases []struct {
		Bytes []int
		Text  string
	}
	readJSON(t, "testdata/utf8.json", &cases)
	for _, c := range cases {
		var b []byte
		for _, x := range c.Bytes {
			b = append(b, byte(x))
		}
		if got := ValidUTF8(string(b)); got != c.Text {
			t.Errorf("ValidUTF8(%x) = %q, want %q", b, got, c.Text)
		}
	}
}

func TestSplit(t *testing.T) {
	var cases []struct {
		Pattern string
		Pieces  []string
	}
	readJSON(t, "testdata/split.json", &cases)
	for _, c := range cases {
		split, ok := scanners[c.Pattern]
		if !ok {
			t.Fatalf("no scanner for %s", c.Pattern)
		}
		var got []string
		for text := strings.Join(c.Pieces, ""); text != ""; {
			n := split(text)
			got = append(got, text[:n])
			text = text[n:]
		}
		if !slices.Equal(got, c.Pieces) {
			t.Errorf("%.20s...: %q, want %q", c.Pattern, got, c.Pieces)
		}
	}
}

// TestClasses asks for every character.
func TestClasses(t *testing.T) {
	var ranges map[string][][2]rune
	readJSON(t, "testdata/classes.json", &ranges)
	is := map[string]func(rune) bool{
		"letter":  func(r rune) bool { return kindOf(r) == letter },
		"number":  func(r rune) bool { return kindOf(r) == number },
		"space":   func(r rune) bool { return kindOf(r) == space },
		"numeric": isNumeric,
		"word":    inWord,
	}
	for name, f := range is {
		if len(ranges[name]) == 0 {
			t.Fatalf("no class %q", name)
		}
		want := ranges[name]
		for r := range unicode.MaxRune + 1 {
			for len(want) > 0 && want[0][1] < r {
				want = want[1:]
			}
			in := len(want) > 0 && want[0][0] <= r
			if got := f(r); got != in && !(0xd800 <= r && r < 0xe000) {
				t.Errorf("%U: %s is %v, want %v", r, name, got, in)
			}
		}
	}
}

// TestComposed holds the long way to x/text where that adds no joiner.
func TestComposed(t *testing.T) {
	long := strings.Repeat("\u0323", 20) + strings.Repeat("\u0302", 20)
	for r := range rune(0x30000) {
		if norm.NFC.QuickSpanString(string(r)) != 0 && norm.NFC.PropertiesString(string(r)).CCC() == 0 && r > 0x300 && r%64 != 0 {
			continue // most starters are alike
		}
		s := "e" + string(r) + "\u0301\u1161\u0323"
		want := norm.NFC.String(s)
		if got := composedPart(s + "x" + long); !strings.HasPrefix(got, want) || strings.Contains(got, graphemeJoiner) {
			t.Fatalf("composed(%+q...) = %+q, want %+q", s, got, want)
		}
	}
}

// TestLinear would run for hours if any step took quadratic time.
func TestLinear(t *testing.T) {
	const n = 1 << 18
	for _, unit := range []string{"a", " ", "\n", "\n ", "ab", "'", "'s", "<|", "\u0301", "\u0301\u0323", "\u1acf", "é", "1", "\xff", "!\n"} {
		text := strings.Repeat(unit, n/len(unit))
		for _, dir := range []string{"gpt2", "qwen", "mixed"} {
			if ids := open(t, dir).Encode(text + "x"); len(ids) == 0 {
				t.Errorf("%s: no ids for %d times %q", dir, n, unit)
			}
		}
	}
}

func TestConcurrent(t *testing.T) {
	tok := open(t, "qwen")
	text := strings.Repeat("Don't <|reflect|> 123 e\u0301 \n", 20)
	want := tok.Encode(text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				ids := tok.Encode(text)
				if !slices.Equal(ids, want) || tok.Decode(ids) != norm.NFC.String(text) {
					t.Errorf("Encode = %v; want %v", ids, want)
				}
			}
		})
	}
	wg.Wait()
}
