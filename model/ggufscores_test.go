package model

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/tokenizer"
)

// mergeByScore is what llama.cpp does with a text that has no spaces and no added tokens
// any more, the slow way.
func mergeByScore(text string, ids map[string]int32, scores []float32) (out []int32) {
	parts := strings.Split(text, "")
	for {
		best, top := -1, float32(0)
		for i := range len(parts) - 1 {
			if id, ok := ids[parts[i]+parts[i+1]]; ok && (best < 0 || scores[id] > top) {
				best, top = i, scores[id]
			}
		}
		if best < 0 {
			break
		}
		parts = slices.Replace(parts, best, best+2, parts[best]+parts[best+1])
	}
	for _, part := range parts {
		if id, ok := ids[part]; ok {
			out = append(out, id)
			continue
		}
		for _, b := range []byte(part) {
			out = append(out, ids[byteToken(int(b))])
		}
	}
	return out
}

func byText(tokens []string) map[string]int32 {
	ids := make(map[string]int32, len(tokens))
	for id, token := range tokens {
		ids[token] = int32(id)
	}
	return ids
}

// The scores that are written make llama.cpp merge as the tokenizer does.
func TestGGUFScoresMergeAlike(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for _, name := range []string{"mistral", "sentencepiece"} {
		lm := pairsLM(t, b, name)
		metadata, err := lm.ggufMetadata()
		if err != nil {
			t.Fatal(err)
		}
		tokens, scores := metadata["tokenizer.ggml.tokens"].([]string), metadata["tokenizer.ggml.scores"].([]float32)
		ids := byText(tokens)
		rng := rand.New(rand.NewPCG(3, 4))
		for range 1500 {
			var text string
			for range 1 + rng.IntN(6) {
				switch rng.IntN(4) {
				case 0: // runs, where a token overlaps itself
					text += strings.Repeat([]string{" ", "-", "a", "▁", "\n", "=", "in", "er"}[rng.IntN(8)], 1+rng.IntN(40))
				case 1:
					text += string(rune(32 + rng.IntN(0x300)))
				default:
					text += strings.ReplaceAll(tokens[rng.IntN(lm.tokenizer.Len())], spaceMark, " ")
				}
			}
			if strings.Contains(text, "<") { // perhaps an added token
				continue
			}
			if got, want := lm.tokenizer.Encode(text), mergeByScore(strings.ReplaceAll(" "+text, " ", spaceMark), ids, scores); !slices.Equal(got, want) {
				t.Fatalf("%s: %q: ids %v, by score %v", name, text, got, want)
			}
		}
	}
}

// Whatever the merges, scores that are written merge as they do: others are refused.
func TestGGUFScoresOrNone(t *testing.T) {
	written := 0
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 4))
		tokens, merges := randomPairs(rng)
		p := newPieces(tokens, slices.Repeat([]int32{tokenNormal}, len(tokens)))
		scores, err := scoresOf(p, slices.Repeat([]int32{tokenNormal}, len(tokens)), merges)
		if err != nil {
			continue
		}
		written++
		data, err := json.Marshal(jsonObject{"model": jsonObject{"type": "BPE", "vocab": p.ids, "merges": merges}})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			var text string
			for range 1 + rng.IntN(14) {
				text += tokens[rng.IntN(3)]
			}
			if got, want := tok.Encode(text), mergeByScore(text, p.ids, scores); !slices.Equal(got, want) {
				t.Fatalf("merges %v: %q: ids %v, by score %v", merges, text, got, want)
			}
		}
	}
	if written < 250 || written > 475 {
		t.Errorf("%d of 500 are written: too few or too many to say much", written)
	}
}

// randomPairs makes merges over three letters, half of the tokens with every way to make
// them.
func randomPairs(rng *rand.Rand) (tokens []string, merges [][2]string) {
	tokens = []string{"a", "b", "c"}
	add := func(left, right string) {
		if pair := [2]string{left, right}; !slices.Contains(merges, pair) && slices.Contains(tokens, left) && slices.Contains(tokens, right) {
			merges = append(merges, pair)
		}
	}
	for range 2 + rng.IntN(10) {
		left, right := tokens[rng.IntN(len(tokens))], tokens[rng.IntN(len(tokens))]
		whole := left + right
		if len(whole) > 7 {
			continue
		}
		add(left, right)
		if slices.Contains(tokens, whole) {
			continue
		}
		tokens = append(tokens, whole)
		if rng.IntN(2) == 0 {
			for i := 1; i < len(whole); i++ {
				add(whole[:i], whole[i:])
			}
		}
	}
	return tokens, merges
}

// Ids and texts of llama.cpp and of this library are the same.
func TestGGUFInLlamaCppSentencePiece(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for _, name := range []string{"mistral", "unprefixed", "metaspace", "sentencepiece"} {
		t.Run(name, func(t *testing.T) {
			lm := pairsLM(t, b, name)
			if _, err := lm.Tokenizer().AddSpecial("<|continue|>"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := lm.SaveGGUF(path, gguf.F32); err != nil {
				t.Fatal(err)
			}
			server := llamaServer(t, path)
			texts := []string{"Hello", " a b ", "  two  spaces  ", "   ", " ", "\n", "\n\n a\tb\r\n", strings.Repeat(" ", 45), strings.Repeat("-", 33) + "x",
				strings.Repeat(" x", 9), "😀 smile", "👨‍👩‍👧", "русский язык, ἄλφα", "日本語 한국어 中文", "▁ is ▁▁ too", "e\u0301 \u00a0\u3000",
				"<s>", "<s>a</s> b", " <s> a", "<|continue|>Wait,  it's 12.\n", "x<|continue|>", "x <|continue|> y", "<|continue|><|continue|>", "<unk> <0x0A>", "<s", ""}
			rng := rand.New(rand.NewPCG(5, 6))
			for range 300 {
				text := ""
				for range 1 + rng.IntN(8) {
					if id := rng.IntN(lm.tokenizer.Len() + 20); id < lm.tokenizer.Len() {
						token, _ := lm.tokenizer.Token(int32(id))
						text += strings.ReplaceAll(token, spaceMark, " ")
					} else {
						text += texts[rng.IntN(len(texts))]
					}
				}
				texts = append(texts, text)
			}
			for _, text := range texts {
				ids := lm.tokenizer.Encode(text)
				var tokens struct{ Tokens []int32 }
				post(t, server+"/tokenize", map[string]any{"content": text, "parse_special": true}, &tokens)
				if !slices.Equal(tokens.Tokens, ids) {
					t.Errorf("%q: ids %v, llama.cpp says %v", text, ids, tokens.Tokens)
				}
				var back struct{ Content string }
				post(t, server+"/detokenize", map[string]any{"tokens": ids}, &back)
				decoded := lm.tokenizer.Decode(ids)
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
