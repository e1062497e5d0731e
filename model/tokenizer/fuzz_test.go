package tokenizer

import (
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// seeds are texts with what tokenizers get wrong.
var seeds = []string{"", "Let's add 12+3.\n\n  <|reflect|>No\r\n", "a\xe2\x82b\xff", "e\u0301\u0323 \u1112\u1161\u11ab",
	"1 + naïve <|explore|><eos>=\t0", "▁ ▁▁<0x0A>\n\U0001f600", " '\u017f\u00a0\u3000\x00\ufeff"}

// FuzzParse holds that a file is refused or makes a tokenizer that works and is saved
// as a file of the same ids.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"words", "whitespace", "mistral", "gemma"} {
		f.Add(string(readFile(f, "testdata/"+dir+"/tokenizer.json")), "a b")
	}
	f.Add(`{"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"unk_token":"a","fuse_unk":true},"normalizer":{"type":"Prepend","prepend":"b"},
		"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},"decoder":{"type":"Metaspace","replacement":"▁"}}`, "a <x> b")
	f.Fuzz(func(t *testing.T, data, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tok, err := Parse([]byte(data))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<18+128*len(data)) {
			t.Errorf("%d bytes allocated for a file of %d", used, len(data))
		}
		if err != nil {
			return
		}
		saved, err := json.Marshal(tok.current())
		require.NoError(t, err)
		again, err := Parse(saved)
		require.NoError(t, err, saved)
		ids := tok.Encode(text)
		if other := again.Encode(text); !slices.Equal(other, ids) {
			t.Errorf("Encode(%q) = %v, and %v once saved", text, ids, other)
		}
		if strict, err := tok.EncodeStrict(text); err == nil && !slices.Equal(strict, ids) {
			t.Errorf("EncodeStrict(%q) = %v, Encode gives %v", text, strict, ids)
		}
		if a, b := tok.Decode(ids), again.Decode(ids); a != b {
			t.Errorf("Decode(%v) = %q, and %q once saved", ids, a, b)
		}
	})
}

// FuzzEncode holds ids to be in the vocabulary, and to be the same for text that is made
// valid first.
func FuzzEncode(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	toks := map[string]*Tokenizer{}
	for _, dir := range dirs(f) {
		toks[dir] = open(f, dir)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for dir, tok := range toks {
			ids := tok.Encode(text)
			for _, id := range ids {
				if _, ok := tok.Token(id); !ok {
					t.Errorf("%s: Encode(%q) = %v: no token %d", dir, text, ids, id)
				}
			}
			if other := tok.Encode(ValidUTF8(text)); !slices.Equal(other, ids) {
				t.Errorf("%s: Encode(%q) = %v, made valid first %v", dir, text, ids, other)
			}
			tok.DecodeText(ids)
		}
	})
}

// FuzzRoundTrip holds Decode to be the inverse of Encode as far as the file allows.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	gpt2, qwen, mistral, gemma, words := open(f, "gpt2"), open(f, "qwen"), open(f, "mistral"), open(f, "gemma"), open(f, "words")
	f.Fuzz(func(t *testing.T, text string) {
		valid := ValidUTF8(text)
		if got := gpt2.Decode(gpt2.Encode(text)); got != valid {
			t.Errorf("gpt2: Decode(Encode(%q)) = %q", text, got)
		}
		once := qwen.Decode(qwen.Encode(text))
		if norm.NFD.String(once) != norm.NFD.String(valid) && !strings.Contains(text, "<|") {
			t.Errorf("qwen: Decode(Encode(%q)) = %q, which is another text", text, once)
		}
		if got := qwen.Decode(qwen.Encode(once)); got != once {
			t.Errorf("qwen: Decode(Encode(%q)) = %q", once, got)
		}
		// SentencePiece's mark is read as a space, and byte tokens can be spelled out.
		if !strings.ContainsAny(text, "▁<") {
			if got := mistral.Decode(mistral.Encode(text)); got != valid {
				t.Errorf("mistral: Decode(Encode(%q)) = %q", text, got)
			}
			if got := gemma.Decode(gemma.Encode(text)); got != valid {
				t.Errorf("gemma: Decode(Encode(%q)) = %q", text, got)
			}
		}
		if ids, err := words.EncodeStrict(text); err == nil {
			if again := words.Encode(words.Decode(ids)); !slices.Equal(again, ids) {
				t.Errorf("words: Encode(Decode(%v)) = %v", ids, again)
			}
		}
	})
}
