package convert

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizers of SentencePiece's kind (tokenizer.ggml.model "llama": Llama 1 and 2, Mistral) have
// no list of merges but a score for each token. Of all neighbours in a text that together are a
// token, the two of the highest score are merged, and of equal ones the leftmost. A
// tokenizer.json has merges, which are made as transformers makes them: one for every way to
// make a token of two others, in the order of the scores.

const (
	spaceMark = "▁" // stands for a space in these tokens

	// maxPiece is the length in bytes of a token that may be made of others. Published ones
	// have up to a hundred; the time to take a token apart is quadratic in it.
	maxPiece = 512
)

// jsonObject is an entry of a tokenizer.json.
type jsonObject = map[string]any

// spaceNormalizer makes the normalizer that turns spaces into marks, and with prefix puts one more
// before each part of a text between added tokens.
func spaceNormalizer(prefix bool) jsonObject {
	replace := jsonObject{"type": "Replace", "pattern": jsonObject{"String": " "}, "content": spaceMark}
	if !prefix {
		return replace
	}
	return jsonObject{"type": "Sequence", "normalizers": []any{jsonObject{"type": "Prepend", "prepend": spaceMark}, replace}}
}

// spaceDecoder makes the decoder that turns marks into spaces, and tokens such as <0x0A> into
// bytes.
func spaceDecoder(prefix bool) jsonObject {
	steps := []any{
		jsonObject{"type": "Replace", "pattern": jsonObject{"String": spaceMark}, "content": " "},
		jsonObject{"type": "ByteFallback"},
		jsonObject{"type": "Fuse"},
	}
	if prefix {
		steps = append(steps, jsonObject{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	return jsonObject{"type": "Sequence", "decoders": steps}
}

// A pieces holds the tokens of a vocabulary that a text can be merged to.
type pieces struct {
	tokens []string
	ids    map[string]int32 // of those
	cut    map[string]bool  // added tokens: no text that gets as far as merging has them
}

// newPieces makes a pieces of the tokens by id and their kinds.
func newPieces(tokens []string, kinds []int32) *pieces {
	p := &pieces{tokens: tokens, ids: make(map[string]int32, len(tokens)), cut: map[string]bool{}}
	for id, token := range tokens {
		// A token with a mark is not cut out, since the marks were spaces then.
		if isAdded(kinds[id]) && !strings.Contains(token, spaceMark) {
			p.cut[token] = true
		} else {
			p.ids[token] = int32(id)
		}
	}
	return p
}

// isAdded tells whether a token of this kind is cut out of a text before merging.
func isAdded(kind int32) bool {
	return kind == tokenUnknown || kind == tokenControl || kind == tokenUser
}

// symbol tells whether a part of the text can stand for itself while it is merged: as a
// token, or as a character that is none. Only the end of merging makes bytes of that.
func (p *pieces) symbol(part string) bool {
	if _, ok := p.ids[part]; ok {
		return true
	}
	_, n := utf8.DecodeRuneInString(part)
	return n == len(part) && !p.cut[part]
}

// splits yields the places at which a token is two symbols.
func (p *pieces) splits(token string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range token {
			if i > 0 && p.symbol(token[:i]) && p.symbol(token[i:]) && !yield(i) {
				return
			}
		}
	}
}

// A join is a token, by id, as two others.
type join struct{ left, right, whole int32 }

// joins lists the splits of every token, in the order of ids and then of the lengths of the left
// parts. That is the order of transformers 5. Earlier versions have another one where a token has
// several, which changes ids only for a token that overlaps itself.
func (p *pieces) joins() ([]join, error) {
	var list []join
	size, limit := 0, 1<<14
	for _, token := range p.tokens {
		limit += 5 * (len(token) + 16)
	}
	for id, token := range p.tokens {
		if p.cut[token] {
			continue
		}
		if len(token) > maxPiece {
			return nil, fmt.Errorf("token %d, %.40q..., has %d bytes; up to %d are supported", id, token, len(token), maxPiece)
		}
		for i := range p.splits(token) {
			left, okLeft := p.ids[token[:i]]
			right, okRight := p.ids[token[i:]]
			if !okLeft || !okRight {
				return nil, fmt.Errorf("token %d, %q: llama.cpp makes it of %q and %q, and one of them is no token", id, token, token[:i], token[i:])
			}
			if isByteToken(token[:i]) || isByteToken(token[i:]) {
				return nil, fmt.Errorf("token %d, %q, has a part that stands for a byte", id, token)
			}
			list = append(list, join{left, right, int32(id)})
			// Memory must follow the size of the file, and a run of n characters has n-1 splits.
			if size += len(token) + 32; size > limit {
				return nil, fmt.Errorf("token %d, %.40q: the tokens before it are made of others in too many ways (%d)", id, token, len(list))
			}
		}
	}
	return list, nil
}

// isByteToken tells whether a token is one of <0x00> to <0xFF>.
func isByteToken(token string) bool {
	const hex = "0123456789ABCDEF"
	return len(token) == 6 && token[:3] == "<0x" && token[5] == '>' &&
		strings.IndexByte(hex, token[3]) >= 0 && strings.IndexByte(hex, token[4]) >= 0
}

func byteToken(b int) string { return fmt.Sprintf("<0x%02X>", b) }

// scoredPairs adds the model of a file with scores, and the steps around it, to a tokenizer.json.
func (m *meta) scoredPairs(v *vocabulary, file jsonObject) error {
	scores := value(m, "tokenizer.ggml.scores", []float32(nil))
	prefix := value(m, "tokenizer.ggml.add_space_prefix", true)
	unknown := m.int("tokenizer.ggml.unknown_token_id", slices.Index(v.kinds, tokenUnknown))
	if len(scores) < len(v.tokens) {
		m.fault("metadata: %d tokens, but %d of %q", len(v.tokens), len(scores), "tokenizer.ggml.scores")
	}
	if err := errors.Join(m.faults...); err != nil {
		return err
	}
	scores = scores[:len(v.tokens)]
	for id, kind := range v.kinds {
		switch {
		case kind == tokenByte && !isByteToken(v.tokens[id]):
			return fmt.Errorf("metadata: token %d, %q, is of kind %d, which are the bytes <0x00> to <0xFF>", id, v.tokens[id], kind)
		case scores[id] != scores[id]:
			return fmt.Errorf("metadata: token %d, %q, has no number as its score", id, v.tokens[id])
		}
	}
	merges, err := newPieces(v.tokens, v.kinds).joins()
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	slices.SortStableFunc(merges, func(a, b join) int { return cmp.Compare(scores[b.whole], scores[a.whole]) })
	if a, b, ok := tied(merges, scores); ok {
		return fmt.Errorf("metadata: tokens %q and %q have the same score, %g: which of them is made first depends on the text, and not on merges",
			v.tokens[a], v.tokens[b], scores[a])
	}
	pairs := make([][2]string, len(merges))
	for i, s := range merges {
		pairs[i] = [2]string{v.tokens[s.left], v.tokens[s.right]}
	}
	var unk any
	if unknown >= 0 && unknown < len(v.tokens) {
		unk = v.tokens[unknown]
	}
	file["normalizer"], file["pre_tokenizer"], file["decoder"] = spaceNormalizer(prefix), nil, spaceDecoder(prefix)
	file["model"] = jsonObject{"type": "BPE", "dropout": nil, "unk_token": unk, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": v.ids, "merges": pairs}
	return nil
}

// tied finds two tokens of one score of which a text can have either and not both, and
// whose merges, in this order, would have the later one in the text win.
func tied(merges []join, scores []float32) (a, b int32, ok bool) {
	first := map[int32]int32{} // by left part, a token that an earlier merge of this score makes with it
	for i := 0; i < len(merges); {
		if i > 0 && scores[merges[i].whole] != scores[merges[i-1].whole] {
			clear(first)
		}
		end := i
		for ; end < len(merges) && merges[end].whole == merges[i].whole; end++ {
			if other, ok := first[merges[end].right]; ok {
				return other, merges[end].whole, true
			}
		}
		for ; i < end; i++ {
			first[merges[i].left] = merges[i].whole
		}
	}
	return 0, 0, false
}
