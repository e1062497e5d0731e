package model

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizers of SentencePiece's kind (tokenizer.ggml.model "llama": Llama 1 and 2,
// Mistral) have no list of merges but a score for each token: of the two neighbours in a
// text that together are a token, those of the highest score become one, the leftmost
// first. A tokenizer.json has merges, as transformers makes them: one for every way to
// make a token of two others, in the order of the scores.

const (
	spaceMark = "▁" // stands for a space in these tokens

	// maxPiece is the length in bytes of a token that may be made of others. Published ones
	// have up to a hundred; the time to take a token apart is quadratic in it.
	maxPiece = 512
)

// jsonObject is an entry of a tokenizer.json.
type jsonObject = map[string]any

// spaceNormalizer is that of a text whose spaces become marks, with one more in front
// of each part between added tokens.
func spaceNormalizer(prefix bool) jsonObject {
	replace := jsonObject{"type": "Replace", "pattern": jsonObject{"String": " "}, "content": spaceMark}
	if !prefix {
		return replace
	}
	return jsonObject{"type": "Sequence", "normalizers": []any{jsonObject{"type": "Prepend", "prepend": spaceMark}, replace}}
}

// spaceDecoder is the inverse, with tokens such as <0x0A> as the bytes they stand for.
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

// pieces are the tokens of a vocabulary that a text can be merged to.
type pieces struct {
	tokens []string
	ids    map[string]int32 // of those
	cut    map[string]bool  // added tokens: no text that gets as far as merging has them
}

// newPieces takes the tokens by id, and their kinds.
func newPieces(tokens []string, kinds []int32) *pieces {
	p := &pieces{tokens: tokens, ids: make(map[string]int32, len(tokens)), cut: map[string]bool{}}
	for id, token := range tokens {
		// A token with a mark is found among the marks that were spaces when added tokens were cut out.
		if isAdded(kinds[id]) && !strings.Contains(token, spaceMark) {
			p.cut[token] = true
		} else {
			p.ids[token] = int32(id)
		}
	}
	return p
}

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

// joins lists the splits of every token, in the order of ids and then of the left parts'
// lengths. That is the order of transformers 5; older ones have it otherwise where a
// token has several, which ids do not depend on but for a token that overlaps itself.
func (p *pieces) joins() ([]join, error) {
	var list []join
	size, room := 0, 0
	for _, token := range p.tokens {
		room += len(token) + 16
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
			if size += len(token) + 32; size > 1<<14+5*room {
				return nil, fmt.Errorf("token %d, %.40q: the tokens before it are made of others in too many ways (%d)", id, token, len(list))
			}
		}
	}
	return list, nil
}

// isByteToken knows <0x00> to <0xFF>.
func isByteToken(token string) bool {
	const hex = "0123456789ABCDEF"
	return len(token) == 6 && token[:3] == "<0x" && token[5] == '>' && strings.IndexByte(hex, token[3]) >= 0 && strings.IndexByte(hex, token[4]) >= 0
}

func byteToken(b int) string { return fmt.Sprintf("<0x%02X>", b) }

// scoredPairs adds the model of a file with scores, and the steps around it, to a
// tokenizer.json.
func (m *ggufMeta) scoredPairs(v *ggufVocabulary, file jsonObject) error {
	scores := ggufValue(m, "tokenizer.ggml.scores", []float32(nil))
	prefix := ggufValue(m, "tokenizer.ggml.add_space_prefix", true)
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
		return fmt.Errorf("metadata: tokens %q and %q have the same score, %g: the text decides which of them is made first, and merges in order cannot say so",
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

// A pairsFile is what of a tokenizer.json decides whether scores can stand for its merges.
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

// writeScores adds a tokenizer of merges without a byte alphabet to a file's metadata.
// The kinds of the tokens are changed: bytes have one of their own, and so has the
// unknown token.
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

// spaces tells whether the tokenizer puts a space before each part of a text between
// added tokens. It is an error if it does anything that llama.cpp does not.
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
		return false, fmt.Errorf("it writes spaces as %s, with one more before each part of a text between added tokens or before none; not with the normalizer %.200s and the pre_tokenizer %.200s",
			spaceMark, oneLine(f.Normalizer), oneLine(f.PreTokenizer))
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

// same tells whether JSON says what the object does.
func same(data json.RawMessage, object jsonObject) bool {
	want, err := json.Marshal(object)
	var a, b any
	return err == nil && json.Unmarshal(data, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}

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

// scoresOf gives each token the score with which llama.cpp merges as the merges do: 0 for
// added tokens and bytes, and below it the others in the order of the first merge that
// makes them, as SentencePiece numbers its tokens. Those that no merge makes come last.
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
		return nil, fmt.Errorf("merge %d, %q, and merge %d, %q, make the same token, and others come between them", first, merges[first], at.rank, merges[at.rank])
	}
	return scores, nil
}

// A meeting tells which symbols can stand side by side while a text is merged by scores.
type meeting struct {
	*pieces
	scores []float32
	known  map[[2]string]bool
}

// possible is true if it cannot tell. Two symbols meet when the later of them is made. If
// that is the left one, of two parts, then its right part stood beside the right symbol
// before; and had those two been a token of a higher score, they would have been merged
// first. Likewise if it is the right one.
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
