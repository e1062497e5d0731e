package convert

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		metadata, err := lm.metadata()
		require.NoError(t, err)
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
					text += strings.ReplaceAll(tokens[rng.IntN(lm.Tokenizer.Len())], spaceMark, " ")
				}
			}
			if strings.Contains(text, "<") { // perhaps an added token
				continue
			}
			if got, want := lm.Tokenizer.Encode(text), mergeByScore(strings.ReplaceAll(" "+text, " ", spaceMark), ids, scores); !slices.Equal(got, want) {
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
		require.NoError(t, err)
		tok, err := tokenizer.Parse(data)
		require.NoError(t, err)
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
