package convert

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// What SaveGGUF writes runs in llama.cpp and says the same, for every family; and its
// tokenizer gives the same ids.
func TestGGUFInLlamaCpp(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for family, lm := range families(t, b) {
		t.Run(family, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.gguf")
			require.NoError(t, Save(path, lm, gguf.F32))
			server := filetest.LlamaServer(t, path)
			text := "Natalia sold 48 clips, didn't she?<|reflect|>Wait, it's  12.\n\n"
			ids := encode(t, lm, text)
			var tokens struct{ Tokens []int32 }
			filetest.Post(t, server+"/tokenize", map[string]any{"content": text, "parse_special": true}, &tokens)
			if !slices.Equal(tokens.Tokens, ids) {
				t.Errorf("ids %v, llama.cpp says %v", ids, tokens.Tokens)
			}
			next := filetest.NextTokens(t, server, lm.Tokenizer, ids)
			var rows [][]int32
			var want []float64
			for id, logp := range next {
				rows, want = append(rows, slices.Concat(ids, []int32{id})), append(want, logp)
			}
			logp, err := lm.Net.TokenLogProbs(context.Background(), rows, 1)
			if err != nil || len(next) != 20 {
				t.Fatal(len(next), err)
			}
			worst := 0.0
			for i := range rows {
				worst = max(worst, math.Abs(float64(logp[i][len(ids)])-want[i]))
			}
			t.Logf("largest difference of a log-probability %.1e", worst)
			if worst > 1e-4 {
				t.Errorf("log-probabilities of the next token are off by %g", worst)
			}
		})
	}
}

// Ids and texts of llama.cpp and of this library are the same.
func TestGGUFInLlamaCppSentencePiece(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for _, name := range []string{"mistral", "unprefixed", "metaspace", "sentencepiece"} {
		t.Run(name, func(t *testing.T) {
			lm := pairsLM(t, b, name)
			_, err := lm.Tokenizer.AddSpecial("<|continue|>")
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "m.gguf")
			require.NoError(t, Save(path, lm, gguf.F32))
			server := filetest.LlamaServer(t, path)
			texts := []string{"Hello", " a b ", "  two  spaces  ", "   ", " ", "\n", "\n\n a\tb\r\n", strings.Repeat(" ", 45), strings.Repeat("-", 33) + "x",
				strings.Repeat(" x", 9), "😀 smile", "👨‍👩‍👧", "русский язык, ἄλφα", "日本語 한국어 中文", "▁ is ▁▁ too", "e\u0301 \u00a0\u3000",
				"<s>", "<s>a</s> b", " <s> a", "<|continue|>Wait,  it's 12.\n", "x<|continue|>", "x <|continue|> y", "<|continue|><|continue|>", "<unk> <0x0A>", "<s", ""}
			rng := rand.New(rand.NewPCG(5, 6))
			for range 300 {
				text := ""
				for range 1 + rng.IntN(8) {
					if id := rng.IntN(lm.Tokenizer.Len() + 20); id < lm.Tokenizer.Len() {
						token, _ := lm.Tokenizer.Token(int32(id))
						text += strings.ReplaceAll(token, spaceMark, " ")
					} else {
						text += texts[rng.IntN(len(texts))]
					}
				}
				texts = append(texts, text)
			}
			for _, text := range texts {
				ids := lm.Tokenizer.Encode(text)
				var tokens struct{ Tokens []int32 }
				filetest.Post(t, server+"/tokenize", map[string]any{"content": text, "parse_special": true}, &tokens)
				if !slices.Equal(tokens.Tokens, ids) {
					t.Errorf("%q: ids %v, llama.cpp says %v", text, ids, tokens.Tokens)
				}
				var back struct{ Content string }
				filetest.Post(t, server+"/detokenize", map[string]any{"tokens": ids}, &back)
				decoded := lm.Tokenizer.Decode(ids)
				if name == "mistral" || name == "sentencepiece" { // the server leaves the space in front where it is
					back.Content = strings.TrimPrefix(back.Content, " ")
				}
				if back.Content != decoded {
					t.Errorf("%v: text %q, llama.cpp says %q", ids, decoded, back.Content)
				}
			}
		})
	}
}
