package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

func TestUnknownWord(t *testing.T) {
	_, err := open(t, "words").Encode("1 + zwei = 3")
	if want := `tokenizer: word "zwei" is not in the vocabulary, and there is no unknown token`; err == nil || err.Error() != want {
		t.Errorf("Encode = %v, want %s", err, want)
	}
	// A byte-level vocabulary may lack a byte.
	data := []byte(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"ByteLevel"},
		"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}}`)
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Encode("aé"); err == nil || !strings.Contains(err.Error(), `"aé" has the byte 0xc3`) {
		t.Errorf("Encode = %v", err)
	}
	data = []byte(strings.Replace(string(data), `"a":0}`, `"a":0,"?":1},"unk_token":"?"`, 1))
	if tok, err = Parse(data); err != nil {
		t.Fatal(err)
	}
	if ids, err := tok.Encode("aé"); err != nil || !slices.Equal(ids, []int32{0, 1, 1}) {
		t.Errorf("Encode = %v, %v", ids, err)
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
	ids := tok.AddSpecial("<|reflect|>", "<new>", "+", "<new>")
	if want := []int32{15, 18, 3, 18}; !slices.Equal(ids, want) || tok.Len() != 19 {
		t.Errorf("AddSpecial = %v, Len %d; want %v, 19", ids, tok.Len(), want)
	}
	ids, err := tok.Encode("0<new>1 +")
	if want := []int32{0, 18, 1, 3}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("Encode = %v, %v; want %v", ids, err, want)
	}
	if got := tok.DecodeText(ids); got != "0 1" {
		t.Errorf("DecodeText = %q", got)
	}
	for _, token := range []string{"", "\xff", "a b", "naï"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("AddSpecial(%q) did not panic", token)
				}
			}()
			tok.AddSpecial("<fine>", token)
		}()
	}
	if tok.Len() != 19 {
		t.Errorf("a refused AddSpecial left %d ids", tok.Len())
	}
}

func TestSaveReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenizer.json")
	for _, name := range []string{"words", "gpt2"} {
		if err := open(t, name).Save(path); err != nil {
			t.Fatal(err)
		}
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
		if got := validUTF8(string(b)); got != c.Text {
			t.Errorf("validUTF8(%x) = %q, want %q", b, got, c.Text)
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
		split, ok := splitters[c.Pattern]
		if !ok {
			t.Fatalf("no splitter for %s", c.Pattern)
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
			start := time.Now()
			ids, err := open(t, dir).Encode(text + "x")
			if err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("%s: %d times %q took %v for %d ids", dir, n, unit, d, len(ids))
			}
		}
	}
}

func TestConcurrent(t *testing.T) {
	tok := open(t, "qwen")
	text := strings.Repeat("Don't <|reflect|> 123 e\u0301 \n", 20)
	want, err := tok.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				ids, err := tok.Encode(text)
				if err != nil || !slices.Equal(ids, want) || tok.Decode(ids) != norm.NFC.String(text) {
					t.Errorf("Encode = %v, %v; want %v", ids, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "Let's add 12+3.\n\n  <|reflect|>No\r\n", "a\xe2\x82b\xff", "e\u0301\u0323 \u1112\u1161\u11ab", "1 + naïve <|explore|><eos>=\t0"} {
		f.Add(s)
	}
	gpt2, qwen, mixed, words := open(f, "gpt2"), open(f, "qwen"), open(f, "mixed"), open(f, "words")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := gpt2.Encode(text)
		if got := gpt2.Decode(ids); err != nil || got != validUTF8(text) {
			t.Errorf("Decode(Encode(%q)) = %q, %v", text, got, err)
		}
		ids, err = qwen.Encode(text)
		once := qwen.Decode(ids)
		if err != nil || norm.NFD.String(once) != norm.NFD.String(validUTF8(text)) && !strings.Contains(text, "<|") {
			t.Errorf("Decode(Encode(%q)) = %q, %v, which is another text", text, once, err)
		}
		again, err := qwen.Encode(once)
		if got := qwen.Decode(again); err != nil || got != once {
			t.Errorf("Decode(Encode(%q)) = %q, %v", once, got, err)
		}
		if _, err := mixed.Encode(text); err != nil {
			t.Error(err)
		}
		if ids, err := words.Encode(text); err == nil {
			if again, err := words.Encode(words.Decode(ids)); err != nil || !slices.Equal(again, ids) {
				t.Errorf("Encode(Decode(%v)) = %v, %v", ids, again, err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	var g golden
	readJSON(b, "testdata/gpt2/cases.json", &g)
	var text strings.Builder
	for _, c := range g.Encode {
		text.WriteString(c.Text)
	}
	for _, dir := range []string{"gpt2", "qwen"} {
		b.Run(dir, func(b *testing.B) {
			tok := open(b, dir)
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			tokens := 0
			for b.Loop() {
				ids, err := tok.Encode(text.String())
				if err != nil {
					b.Fatal(err)
				}
				tokens += len(ids)
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := open(b, "qwen")
	ids, err := tok.Encode(strings.Repeat("Let me check: 12 + 30 = 42 apples in all.\n", 50))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		tok.Decode(ids)
	}
	b.ReportMetric(float64(len(ids))*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
