package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// A file is the top level of tokenizer.json, in the order in which it is written.
type file struct {
	Version       json.RawMessage `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// Open reads a tokenizer.json, or that of a directory. An error names the file and the
// field.
func Open(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// Parse reads the contents of a tokenizer.json. An error names the field.
func Parse(data []byte) (*Tokenizer, error) {
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func parse(data []byte) (*Tokenizer, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("the file is not UTF-8")
	}
	top, err := topShape.read("", data)
	if err != nil {
		return nil, err
	}
	f := file{
		Version:       json.RawMessage(`"1.0"`),
		Normalizer:    top["normalizer"],
		PreTokenizer:  top["pre_tokenizer"],
		PostProcessor: top["post_processor"],
		Decoder:       top["decoder"],
		Model:         top["model"],
	}
	var added []json.RawMessage
	if err := decode("added_tokens", top["added_tokens"], &added); err != nil {
		return nil, err
	}
	for i, raw := range added {
		path := fmt.Sprintf("added_tokens[%d]", i)
		if _, err := addedShape.read(path, raw); err != nil {
			return nil, err
		}
		var a addedToken
		if err := decode(path, raw, &a); err != nil {
			return nil, err
		}
		f.AddedTokens = append(f.AddedTokens, a)
	}
	return assemble(f)
}

// assemble makes the tokenizer that the file describes.
func assemble(f file) (*Tokenizer, error) {
	t := &Tokenizer{addedIndex: map[string]int{}, special: map[string]bool{}}
	var err error
	if t.normalize, err = readNormalizer("normalizer", f.Normalizer); err != nil {
		return nil, err
	}
	if !isNull(f.PreTokenizer) {
		if err := t.pieces.read("pre_tokenizer", f.PreTokenizer); err != nil {
			return nil, err
		}
	}
	if err := postProcessor("post_processor", f.PostProcessor); err != nil {
		return nil, err
	}
	if t.decoder, err = readDecoder("decoder", f.Decoder); err != nil {
		return nil, err
	}
	if err := t.readModel(f); err != nil {
		return nil, err
	}
	for i, a := range f.AddedTokens {
		path := fmt.Sprintf("added_tokens[%d]", i)
		if a.Content == "" {
			return nil, fmt.Errorf("%s.content: %q is not supported", path, a.Content)
		}
		if _, ok := t.addedIndex[a.Content]; ok {
			return nil, fmt.Errorf("%s.content: %q is given twice", path, a.Content)
		}
		want, ok := t.vocab[a.Content]
		if !ok {
			want = int32(len(t.tokens))
		}
		if a.ID != want {
			return nil, fmt.Errorf("%s.id: %d is not supported: %q is given the id %d by the tokenizers library", path, a.ID, a.Content, want)
		}
		t.add(a)
	}
	t.index()
	f.AddedTokens = nil
	t.file = f
	return t, nil
}

func (t *Tokenizer) readModel(f file) error {
	name, err := typeOf("model", f.Model)
	if err != nil {
		return err
	}
	switch name {
	case "BPE", "": // files from before version 0.9 name no type
		return t.readPairs(f)
	case "WordLevel":
		return t.readWords(f)
	}
	return unsupported("model.type", []byte(quote(name)))
}

func (t *Tokenizer) readWords(f file) error {
	model, err := wordsShape.read("model", f.Model)
	if err != nil {
		return err
	}
	if t.pieces.bytes {
		return unsupported("pre_tokenizer", f.PreTokenizer)
	}
	var unk string
	if err := decode("model.unk_token", model["unk_token"], &unk); err != nil {
		return err
	}
	if err := t.readVocab(model["vocab"]); err != nil {
		return err
	}
	m := &words{vocab: t.vocab, unk: -1}
	if id, ok := t.vocab[unk]; ok {
		m.unk = id
	}
	t.model = m
	return nil
}

func (t *Tokenizer) readPairs(f file) error {
	model, err := pairsShape.read("model", f.Model)
	if err != nil {
		return err
	}
	if err := t.readVocab(model["vocab"]); err != nil {
		return err
	}
	m := &pairs{
		vocab:    t.vocab,
		bytes:    t.pieces.bytes,
		whole:    string(model["ignore_merges"]) == "true",
		fuse:     string(model["fuse_unk"]) == "true",
		unk:      -1,
		fallback: string(model["byte_fallback"]) == "true",
	}
	if !isNull(model["unk_token"]) {
		var token string
		if err := decode("model.unk_token", model["unk_token"], &token); err != nil {
			return err
		}
		id, ok := t.vocab[token]
		if !ok {
			return fmt.Errorf("model.unk_token: %q is not in model.vocab", token)
		}
		m.unk = id
	}
	merges, err := readMerges(model["merges"])
	if err != nil {
		return err
	}
	t.model = m
	return m.prepare(merges)
}

// readVocab reads model.vocab, whose ids must be 0 to n-1: the library numbers added
// tokens from n, so a gap would give an id to two tokens.
func (t *Tokenizer) readVocab(data json.RawMessage) error {
	if err := decode("model.vocab", data, &t.vocab); err != nil {
		return err
	}
	t.tokens = make([]string, len(t.vocab))
	taken := make([]bool, len(t.vocab))
	for _, token := range slices.Sorted(maps.Keys(t.vocab)) {
		id := t.vocab[token]
		switch {
		case id < 0 || int(id) >= len(taken):
			return fmt.Errorf("model.vocab[%q]: %d is not supported: the ids of %d tokens go from 0 to %d", token, id, len(taken), len(taken)-1)
		case taken[id]:
			return fmt.Errorf("model.vocab[%q]: %d is the id of %q", token, id, t.tokens[id])
		}
		t.tokens[id], taken[id] = token, true
	}
	return nil
}

// readMerges reads pairs of strings, or strings with one space as in older files.
func readMerges(data json.RawMessage) ([][]string, error) {
	var merges [][]string
	if json.Unmarshal(data, &merges) == nil {
		return merges, nil
	}
	var lines []string
	if err := decode("model.merges", data, &lines); err != nil {
		return nil, err
	}
	// The library takes a merge that starts so for the header of a merges.txt.
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#version") })
	merges = make([][]string, len(lines))
	for i, line := range lines {
		merges[i] = strings.Split(line, " ")
	}
	return merges, nil
}

// postProcessor refuses what could change ids without a template.
func postProcessor(path string, data json.RawMessage) error {
	if isNull(data) {
		return nil
	}
	name, err := typeOf(path, data)
	if err != nil {
		return err
	}
	switch name {
	case "ByteLevel": // moves offsets only
		_, err = byteLevelShape.read(path, data)
	case "TemplateProcessing":
		_, err = templateShape.read(path, data)
	case "Sequence":
		var fields map[string]json.RawMessage
		if fields, err = processorsShape.read(path, data); err != nil {
			return err
		}
		var steps []json.RawMessage
		err = decode(path+".processors", fields["processors"], &steps)
		for i, step := range steps {
			if err == nil {
				err = postProcessor(fmt.Sprintf("%s.processors[%d]", path, i), step)
			}
		}
	default:
		err = unsupported(path+".type", []byte(quote(name)))
	}
	return err
}
