package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// A pairsFile has the fields of a tokenizer.json that decide whether scores can replace its
// merges.
type pairsFile struct {
	Added []struct {
		ID         int32
		Content    string
		Special    bool
		SingleWord bool `json:"single_word"`
		LStrip     bool
		RStrip     bool
		Normalized bool
	} `json:"added_tokens"`
	Normalizer   json.RawMessage
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
	Decoder      json.RawMessage
	Model        struct {
		Unk      string `json:"unk_token"`
		Whole    bool   `json:"ignore_merges"`
		Fallback bool   `json:"byte_fallback"`
	}
}

// writeScores adds a tokenizer of merges without a byte alphabet to a file's metadata. It sets the
// kinds of the tokens for bytes and of the unknown token.
func writeScores(metadata map[string]any, data []byte, tokens []string, kinds []int32, merges [][2]string) error {
	var file pairsFile
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	prefix, err := file.spaces()
	if err != nil {
		return fmt.Errorf("llama.cpp cannot do what the tokenizer does: %w", err)
	}
	ids := make(map[string]int32, len(tokens))
	for id, token := range tokens {
		ids[token] = int32(id)
	}
	for b := range 256 {
		id, ok := ids[byteToken(b)]
		if !ok {
			return fmt.Errorf("llama.cpp needs a token for each byte, and the tokenizer has no %s", byteToken(b))
		}
		if kinds[id] == tokenNormal {
			kinds[id] = tokenByte
		}
	}
	if id, ok := ids[file.Model.Unk]; ok {
		metadata["tokenizer.ggml.unknown_token_id"] = uint32(id)
		if kinds[id] == tokenControl {
			kinds[id] = tokenUnknown
		}
	}
	scores, err := scoresOf(newPieces(tokens, kinds), kinds, merges)
	if err != nil {
		return fmt.Errorf("llama.cpp merges by the scores of tokens, which the tokenizer's merges do not go with: %w", err)
	}
	metadata["tokenizer.ggml.model"] = "llama"
	metadata["tokenizer.ggml.pre"] = "default"
	metadata["tokenizer.ggml.scores"] = scores
	metadata["tokenizer.ggml.add_space_prefix"] = prefix
	return nil
}

// spaces tells whether the tokenizer puts a space before each part of a text between added tokens.
// It returns an error where the tokenizer does anything that llama.cpp does not.
func (f *pairsFile) spaces() (prefix bool, err error) {
	var metaspace struct {
		Type, Replacement string
		Scheme            string `json:"prepend_scheme"`
		Split             *bool
	}
	none := func(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }
	switch {
	case none(f.PreTokenizer) && same(f.Normalizer, spaceNormalizer(true)):
		prefix = true
	case none(f.PreTokenizer) && same(f.Normalizer, spaceNormalizer(false)):
	case none(f.PreTokenizer) && same(f.Normalizer, jsonObject{"type": "Sequence", "normalizers": []any{spaceNormalizer(false)}}):
	case none(f.Normalizer) && json.Unmarshal(f.PreTokenizer, &metaspace) == nil && metaspace.Type == "Metaspace" &&
		metaspace.Replacement == spaceMark && metaspace.Scheme == "never" && metaspace.Split != nil && !*metaspace.Split:
	default:
		return false, fmt.Errorf("it writes spaces as %s, with one more before each part of a text between added tokens or before none; "+
			"not with the normalizer %.200s and the pre_tokenizer %.200s", spaceMark, oneLine(f.Normalizer), oneLine(f.PreTokenizer))
	}
	switch {
	case !same(f.Decoder, spaceDecoder(prefix)):
		want, _ := json.Marshal(spaceDecoder(prefix))
		return false, fmt.Errorf("decoder %.400s, want %s", oneLine(f.Decoder), want)
	case f.Model.Whole:
		return false, errors.New("model.ignore_merges is true")
	case !f.Model.Fallback:
		return false, errors.New("model.byte_fallback is false")
	}
	for _, a := range f.Added {
		// The normalizer would make another text of these, and llama.cpp looks for them as they are.
		changed := a.Normalized && (prefix || strings.ContainsAny(a.Content, " "+spaceMark))
		for flag, set := range map[string]bool{"single_word": a.SingleWord, "lstrip": a.LStrip, "rstrip": a.RStrip, "normalized": changed} {
			if set {
				return false, fmt.Errorf("added token %q: %s is true", a.Content, flag)
			}
		}
	}
	return prefix, nil
}

// same tells whether JSON has the value of the object.
func same(data json.RawMessage, object jsonObject) bool {
	want, err := json.Marshal(object)
	var a, b any
	return err == nil && json.Unmarshal(data, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}

// oneLine returns JSON without line breaks.
func oneLine(data json.RawMessage) string {
	if len(data) == 0 {
		return "null"
	}
	var value any
	if json.Unmarshal(data, &value) != nil {
		return string(data)
	}
	line, _ := json.Marshal(value)
	return string(line)
}

// scoresOf returns scores by which llama.cpp merges as the merges say: 0 for added tokens and
// bytes, and negative ones for the others, in the order of the first merge that makes them, as
// SentencePiece numbers its tokens. Tokens that no merge makes come last. Where no scores give
// the same merges it returns an error.
func scoresOf(p *pieces, kinds []int32, merges [][2]string) ([]float32, error) {
	scores := make([]float32, len(p.tokens))
	next := float32(0)
	score := func(id int32) {
		next--
		scores[id] = next
	}
	type place struct {
		rank int
		late bool // the token was made before, and others since
	}
	places := make(map[join]place, len(merges))
	made := make(map[int32]int, len(merges)) // the first merge of each token
	last := int32(-1)
	for rank, merge := range merges {
		left, okLeft := p.ids[merge[0]]
		right, okRight := p.ids[merge[1]]
		whole, okWhole := p.ids[merge[0]+merge[1]]
		if !okLeft || !okRight || !okWhole {
			continue // with an added token, which no text has any more
		}
		_, before := made[whole]
		places[join{left, right, whole}] = place{rank, before && whole != last}
		if !before {
			made[whole] = rank
			score(whole)
		}
		last = whole
	}
	for id, kind := range kinds {
		if _, ok := made[int32(id)]; !ok && kind == tokenNormal {
			score(int32(id))
		}
	}
	all, err := p.joins()
	if err != nil {
		return nil, err
	}
	meeting := meeting{p, scores, map[[2]string]bool{}}
	for _, s := range all {
		at, known := places[s]
		if known && !at.late || !meeting.possible(p.tokens[s.left], p.tokens[s.right]) {
			continue
		}
		if !known {
			return nil, fmt.Errorf("it would merge %q and %q to %q, as no merge does", p.tokens[s.left], p.tokens[s.right], p.tokens[s.whole])
		}
		first := made[s.whole]
		return nil, fmt.Errorf("merge %d, %q, and merge %d, %q, make the same token, and others come between them", first, merges[first],
			at.rank, merges[at.rank])
	}
	return scores, nil
}

// A meeting tells which symbols can be neighbours while a text is merged by scores.
type meeting struct {
	*pieces
	scores []float32
	known  map[[2]string]bool
}

// possible tells whether two symbols can be neighbours; it returns true where it does not know.
// Two symbols become neighbours when the later of them is made. If that is the left one, then
// its right part was a neighbour of the right symbol before. Had these two been a token of a
// higher score, they would have been merged first. The same holds for the right one.
func (m *meeting) possible(left, right string) bool {
	key := [2]string{left, right}
	if known, ok := m.known[key]; ok {
		return known
	}
	yes := utf8.RuneCountInString(left) == 1 && utf8.RuneCountInString(right) == 1
	for i := range m.splits(left) {
		if yes {
			break
		}
		over, ok := m.score(left[i:] + right)
		own, _ := m.score(left)
		yes = !(ok && over > own) && m.possible(left[i:], right) && m.possible(left[:i], left[i:])
	}
	for i := range m.splits(right) {
		if yes {
			break
		}
		over, ok := m.score(left + right[:i])
		own, _ := m.score(right)
		yes = !(ok && over > own) && m.possible(left, right[:i]) && m.possible(right[:i], right[i:])
	}
	m.known[key] = yes
	return yes
}

func (m *meeting) score(token string) (float32, bool) {
	id, ok := m.ids[token]
	if !ok {
		return 0, false
	}
	return m.scores[id], true
}
