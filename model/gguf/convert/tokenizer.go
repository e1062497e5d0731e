package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A preTokenizer cuts a text in the same way on both sides: by the steps of a tokenizer.json, and
// by the pattern that llama.cpp has in its program under a name (tokenizer.ggml.pre).
type preTokenizer struct {
	names  []string // the first is the one that is written
	steps  []string // see step.steps
	nfc    bool     // the text is brought to normal form C; llama.cpp does not do that
	whole  bool     // a word of the vocabulary is taken whole ("ignore_merges")
	addBOS bool     // unless the metadata say otherwise
}

// Patterns of the Split pre-tokenizer, from the tokenizer.json of these models.
const (
	qwenPattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	llamaPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

var preTokenizers = []preTokenizer{
	{names: []string{"gpt-2"}, steps: []string{"ByteLevel+"}},
	{names: []string{"smollm"}, steps: []string{"Digits", "ByteLevel+"}},
	{names: []string{"llama-bpe", "llama3", "llama-v3"}, steps: []string{"Split " + llamaPattern, "ByteLevel"}, whole: true, addBOS: true},
	{names: []string{"qwen2", "deepseek-r1-qwen"}, steps: []string{"Split " + qwenPattern, "ByteLevel"}, nfc: true},
}

func preTokenizerNames() string {
	var names []string
	for _, p := range preTokenizers {
		names = append(names, p.names[0])
	}
	return strings.Join(names, ", ")
}

const (
	keyTemplate = "tokenizer.chat_template"
	keyBOS      = "tokenizer.ggml.bos_token_id"

	// Kinds of tokens (tokenizer.ggml.token_type).
	tokenNormal  = 1
	tokenUnknown = 2
	tokenControl = 3
	tokenUser    = 4 // added, but not special
	tokenUnused  = 5 // fills the embedding up to its length
	tokenByte    = 6 // <0x00> to <0xFF>
)

// A step is an entry of a tokenizer.json's pre-tokenizer.
type step struct {
	Type       string            `json:"type"`
	Individual *bool             `json:"individual_digits,omitempty"`
	Prefix     *bool             `json:"add_prefix_space,omitempty"`
	Trim       *bool             `json:"trim_offsets,omitempty"`
	Regex      *bool             `json:"use_regex,omitempty"`
	Pattern    map[string]string `json:"pattern,omitempty"`
	Behavior   string            `json:"behavior,omitempty"`
	Invert     *bool             `json:"invert,omitempty"`
	Steps      []step            `json:"pretokenizers,omitempty"`
}

// steps names what a pre-tokenizer does: "Digits" cuts off single digits, "Split re" cuts by a
// pattern, "ByteLevel+" by GPT-2's, and "ByteLevel" by none. For a step that llama.cpp has no
// name for it returns "".
func (s step) steps() []string {
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	switch {
	case s.Type == "Sequence":
		var all []string
		for _, one := range s.Steps {
			all = append(all, one.steps()...)
		}
		return all
	case s.Type == "Digits" && is(s.Individual, true):
		return []string{"Digits"}
	case s.Type == "Split" && s.Behavior == "Isolated" && !is(s.Invert, true):
		return []string{"Split " + s.Pattern["Regex"]}
	case s.Type == "ByteLevel" && is(s.Prefix, false) && is(s.Regex, false):
		return []string{"ByteLevel"}
	case s.Type == "ByteLevel" && is(s.Prefix, false):
		return []string{"ByteLevel+"}
	}
	return []string{""}
}

// makeStep makes the step of a name that steps returns.
func makeStep(name string) step {
	yes, no := true, false
	switch name {
	case "Digits":
		return step{Type: "Digits", Individual: &yes}
	case "ByteLevel":
		return step{Type: "ByteLevel", Prefix: &no, Trim: &yes, Regex: &no}
	case "ByteLevel+":
		return step{Type: "ByteLevel", Prefix: &no, Trim: &yes, Regex: &yes}
	}
	_, re, _ := strings.Cut(name, " ")
	return step{Type: "Split", Pattern: map[string]string{"Regex": re}, Behavior: "Isolated", Invert: &no}
}

// tokenizer makes a tokenizer.json of a file's metadata.
func (m *meta) tokenizer() ([]byte, error) {
	kind := value(m, "tokenizer.ggml.model", "")
	if kind != "gpt2" && kind != "llama" {
		return nil, fmt.Errorf("metadata %q is %q, which is not supported: want gpt2, byte-level pairs, or llama, pairs with scores",
			"tokenizer.ggml.model", kind)
	}
	v, err := m.vocabulary()
	if err != nil {
		return nil, err
	}
	file := jsonObject{"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": v.added, "post_processor": nil}
	addBOS, bos := true, 1 // llama.cpp's defaults for "llama"
	if kind == "llama" {
		err = m.scoredPairs(v, file)
	} else {
		addBOS, err = m.bytePairs(v, file)
		bos = len(v.tokens)
	}
	if err != nil {
		return nil, err
	}
	if bos = m.int(keyBOS, bos); value(m, "tokenizer.ggml.add_bos_token", addBOS) && bos < len(v.tokens) {
		file["post_processor"] = bosTemplate(v.tokens[bos], bos)
	}
	return json.Marshal(file)
}

// A vocabulary holds what metadata say of the tokens.
type vocabulary struct {
	tokens []string // by id, without the unused ones at the end
	kinds  []int32
	ids    map[string]int
	added  []addedToken
}

// A addedToken is an entry of a tokenizer.json's added_tokens.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// vocabulary reads and checks the lists of tokens.
func (m *meta) vocabulary() (*vocabulary, error) {
	tokens := value(m, "tokenizer.ggml.tokens", []string(nil))
	kinds := value(m, "tokenizer.ggml.token_type", slices.Repeat([]int32{tokenNormal}, len(tokens)))
	if len(kinds) != len(tokens) {
		m.fault("metadata: %d tokens, but %d of %q", len(tokens), len(kinds), "tokenizer.ggml.token_type")
	}
	if value(m, "tokenizer.ggml.add_eos_token", false) {
		m.fault("metadata %q is true, which is not supported", "tokenizer.ggml.add_eos_token")
	}
	if err := errors.Join(m.faults...); err != nil {
		return nil, err
	}
	for len(kinds) > 0 && kinds[len(kinds)-1] == tokenUnused {
		kinds = kinds[:len(kinds)-1]
	}
	v := &vocabulary{tokens: tokens[:len(kinds)], kinds: kinds, ids: make(map[string]int, len(kinds)), added: []addedToken{}}
	for id, kind := range kinds {
		token := tokens[id]
		if before, twice := v.ids[token]; twice || !utf8.ValidString(token) {
			return nil, fmt.Errorf("metadata: token %d, %q, is the same as token %d or not UTF-8", id, token, before)
		}
		v.ids[token] = id
		switch {
		case isAdded(kind):
			v.added = append(v.added, addedToken{ID: id, Content: token, Special: kind != tokenUser})
		case kind != tokenNormal && kind != tokenUnused && kind != tokenByte:
			return nil, fmt.Errorf("metadata: token %d, %q, is of kind %d, which is not supported", id, token, kind)
		}
	}
	return v, nil
}

// bytePairs adds the model of a byte-level file, and the steps around it, to a tokenizer.json.
// It tells whether llama.cpp puts a token before a text where the metadata do not say so.
func (m *meta) bytePairs(v *vocabulary, file jsonObject) (addBOS bool, err error) {
	name := value(m, "tokenizer.ggml.pre", "")
	at := slices.IndexFunc(preTokenizers, func(p preTokenizer) bool { return slices.Contains(p.names, name) })
	if at < 0 {
		return false, fmt.Errorf("metadata %q is %q, which is not supported (%s)", "tokenizer.ggml.pre", name, preTokenizerNames())
	}
	pre := preTokenizers[at]
	merges := value(m, "tokenizer.ggml.merges", []string(nil))
	if err := errors.Join(m.faults...); err != nil {
		return false, err
	}
	if id := slices.Index(v.kinds, tokenByte); id >= 0 {
		return false, fmt.Errorf("metadata: token %d, %q, is of kind %d, which is not supported with byte-level pairs", id, v.tokens[id],
			tokenByte)
	}
	pairs := make([][]string, len(merges))
	for i, merge := range merges {
		left, right, ok := strings.Cut(merge, " ")
		if !ok || !utf8.ValidString(merge) {
			return false, fmt.Errorf("metadata %q: %d is %q, want two tokens", "tokenizer.ggml.merges", i, merge)
		}
		pairs[i] = []string{left, right}
	}
	steps := make([]step, len(pre.steps))
	for i, name := range pre.steps {
		steps[i] = makeStep(name)
	}
	cut := step{Type: "Sequence", Steps: steps}
	if len(steps) == 1 {
		cut = steps[0]
	}
	yes := true
	file["normalizer"], file["pre_tokenizer"] = nil, cut
	file["decoder"] = step{Type: "ByteLevel", Prefix: &yes, Trim: &yes, Regex: &yes}
	file["model"] = jsonObject{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": false, "byte_fallback": false, "ignore_merges": pre.whole, "vocab": v.ids, "merges": pairs}
	if pre.nfc {
		file["normalizer"] = jsonObject{"type": "NFC"}
	}
	return pre.addBOS, nil
}

// bosTemplate makes the post-processor that puts a token before a text. It is for other programs
// that read the file: Encode of package tokenizer adds nothing.
func bosTemplate(token string, id int) map[string]any {
	special := map[string]any{"SpecialToken": map[string]any{"id": token, "type_id": 0}}
	sequence := func(name string) map[string]any {
		return map[string]any{"Sequence": map[string]any{"id": name, "type_id": 0}}
	}
	return map[string]any{
		"type":           "TemplateProcessing",
		"single":         []any{special, sequence("A")},
		"pair":           []any{special, sequence("A"), special, sequence("B")},
		"special_tokens": map[string]any{token: map[string]any{"id": token, "ids": []int{id}, "tokens": []string{token}}},
	}
}
