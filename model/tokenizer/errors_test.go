package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// edit returns the tokenizer.json of dir with the value at a path of keys and indices
// replaced, or removed if the value is remove{}.
func edit(t *testing.T, dir string, value any, path ...any) []byte {
	t.Helper()
	var top any
	readJSON(t, filepath.Join("testdata", dir, "tokenizer.json"), &top)
	at := top
	for i, step := range path {
		last := i == len(path)-1
		switch step := step.(type) {
		case int:
			if list := at.([]any); last {
				list[step] = value
			} else {
				at = list[step]
			}
		case string:
			object := at.(map[string]any)
			if _, gone := value.(remove); last && gone {
				delete(object, step)
			} else if last {
				object[step] = value
			} else {
				at = object[step]
			}
		}
	}
	data, err := json.Marshal(top)
	require.NoError(t, err)
	return data
}

type remove struct{}

type object = map[string]any

func path(steps ...any) []any { return steps }

func TestRefused(t *testing.T) {
	const pre = "pre_tokenizer"
	cl100k := `(?i:'s|'t)|\p{N}{1,2}`
	for _, c := range []struct {
		dir   string
		value any
		path  []any
		want  string
	}{
		{"gpt2", "2.0", path("version"), `version: "2.0" is not supported`},
		{"gpt2", 1, path("extra"), `extra: 1 is not supported`},
		{"gpt2", object{"max_length": 5}, path("truncation"), `truncation: {"max_length":5} is not supported`},
		{"gpt2", object{"strategy": "x"}, path("padding"), `padding: {"strategy":"x"} is not supported`},
		{"gpt2", object{"type": "NFKC"}, path("normalizer"), `normalizer.type: "NFKC" is not supported`},
		{"gpt2", object{"type": "NFC", "x": 1}, path("normalizer"), `normalizer.x: 1 is not supported`},
		{"gpt2", []any{}, path("normalizer"), `normalizer: [] is not supported`},
		{"gpt2", nil, path("model"), `model: null is not supported`},
		{"gpt2", remove{}, path("model"), `model: missing`},
		{"gpt2", "Unigram", path("model", "type"), `model.type: "Unigram" is not supported`},
		{"gpt2", 7, path("model", "type"), `model: {`},
		{"gpt2", 0.1, path("model", "dropout"), `model.dropout: 0.1 is not supported`},
		{"gpt2", "##", path("model", "continuing_subword_prefix"), `model.continuing_subword_prefix: "##" is not supported`},
		{"gpt2", "_w", path("model", "end_of_word_suffix"), `model.end_of_word_suffix: "_w" is not supported`},
		{"gpt2", "no", path("model", "fuse_unk"), `model.fuse_unk: "no" is not supported`},
		{"gpt2", 1, path("model", "byte_fallback"), `model.byte_fallback: 1 is not supported`},
		{"gpt2", "yes", path("model", "ignore_merges"), `model.ignore_merges: "yes" is not supported`},
		{"gpt2", "<unk>", path("model", "unk_token"), `model.unk_token: "<unk>" is not in model.vocab`},
		{"gpt2", 5, path("model", "unk_token"), `model.unk_token: json`},
		{"gpt2", remove{}, path("model", "vocab"), `model.vocab: missing`},
		{"gpt2", nil, path("model", "vocab"), `model.vocab: null is not supported`},
		{"gpt2", 5, path("model", "vocab"), `model.vocab: json`},
		{"gpt2", -1, path("model", "vocab", "a"), `model.vocab["a"]: -1 is not supported`},
		{"gpt2", 1.5, path("model", "vocab", "a"), `model.vocab: json`},
		{"gpt2", 600, path("model", "vocab", "a"), `model.vocab["a"]: 600 is not supported`},
		{"gpt2", 1 << 40, path("model", "vocab", "a"), `model.vocab: json`},
		{"gpt2", 1, path("model", "vocab", "a"), `model.vocab["a"]: 1 is the id of "\""`},
		{"gpt2", remove{}, path("model", "merges"), `model.merges: missing`},
		{"gpt2", 5, path("model", "merges"), `model.merges: json`},
		{"gpt2", []any{"Ġ", "nope"}, path("model", "merges", 3), `model.merges[3]: "nope" is not in model.vocab`},
		{"gpt2", []any{"Ġ", "Ġ"}, path("model", "merges", 3), `model.merges[3]: "ĠĠ" is not in model.vocab`},
		{"gpt2", []any{"Ġ"}, path("model", "merges", 3), `model.merges[3]: ["Ġ"] is not a pair`},
		{"gpt2", []any{"Ġ", "t"}, path("model", "merges", 3), `model.merges[3]: ["Ġ" "t"] is given twice`},
		{"gpt2", "Ġ t", path("model", "merges", 3), `model.merges: json`},
		{"mixed", "a b c", path("model", "merges", 3), `model.merges[3]: ["a" "b" "c"] is not a pair`},
		{"gpt2", []any{}, path(pre), `pre_tokenizer: [] is not supported`},
		{"gpt2", object{"type": "Metaspace"}, path(pre), `pre_tokenizer.replacement: missing`},
		{"gpt2", object{"type": "Metaspace", "replacement": "__"}, path(pre), `pre_tokenizer.replacement: "__" is not supported`},
		{"gpt2", object{"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"}, path(pre), `pre_tokenizer.prepend_scheme: "last" is not supported`},
		{"gpt2", object{"type": "Metaspace", "replacement": "_", "add_prefix_space": false}, path(pre), `pre_tokenizer.add_prefix_space: false does not go with the prepend_scheme "always"`},
		{"gpt2", object{"type": "Punctuation"}, path(pre), `pre_tokenizer.type: "Punctuation" is not supported`},
		{"gpt2", object{"type": "Digits", "individual_digits": 1}, path(pre), `pre_tokenizer.individual_digits: 1 is not supported`},
		{"gpt2", 1, path(pre, "add_prefix_space"), `pre_tokenizer.add_prefix_space: 1 is not supported`},
		{"gpt2", nil, path(pre, "use_regex"), `pre_tokenizer.use_regex: null is not supported`},
		{"gpt2", object{"type": "CTC"}, path("decoder"), `decoder.type: "CTC" is not supported`},
		{"gpt2", object{"type": "Sequence", "decoders": []any{nil}}, path("decoder"), `decoder.decoders[0]: null is not supported`},
		{"gpt2", object{"type": "Sequence", "decoders": []any{object{"type": "Strip", "content": "ab", "start": 1, "stop": 0}}}, path("decoder"), `decoder.decoders[0].content: "ab" is not supported`},
		{"gpt2", object{"type": "Strip", "content": "a", "start": -1, "stop": 0}, path("decoder"), `decoder.start: json`},
		{"gpt2", object{"type": "Replace", "pattern": object{"Regex": "a"}, "content": "b"}, path("decoder"), `decoder.pattern.Regex: "a" is not supported`},
		{"gpt2", object{"type": "Replace", "pattern": object{"String": ""}, "content": "b"}, path("normalizer"), `normalizer.pattern.String: "" is not supported`},
		{"gpt2", object{"type": "Sequence", "normalizers": []any{object{"type": "Prepend"}}}, path("normalizer"), `normalizer.normalizers[0].prepend: missing`},
		{"gpt2", object{"type": "Sequence", "normalizers": []any{nil}}, path("normalizer"), `normalizer.normalizers[0]: null is not supported`},
		{"gpt2", object{"type": "BertProcessing"}, path("post_processor"), `post_processor.type: "BertProcessing" is not supported`},
		{"mixed", object{"type": "X"}, path("post_processor", "processors", 1), `post_processor.processors[1].type: "X" is not supported`},
		{"qwen", cl100k, path(pre, "pretokenizers", 0, "pattern", "Regex"), `pre_tokenizer.pretokenizers[0].pattern.Regex: "(?i:'s|'t)|\\p{N}{1,2}" is not supported`},
		{"qwen", object{"String": ""}, path(pre, "pretokenizers", 0, "pattern"), `pre_tokenizer.pretokenizers[0].pattern.String: "" is not supported`},
		{"qwen", object{"Glob": "*"}, path(pre, "pretokenizers", 0, "pattern"), `pre_tokenizer.pretokenizers[0].pattern.Glob: "*" is not supported`},
		{"qwen", "Contiguous", path(pre, "pretokenizers", 0, "behavior"), `pre_tokenizer.pretokenizers[0].behavior: "Contiguous" is not supported`},
		{"qwen", "Removed", path(pre, "pretokenizers", 0, "behavior"), `pre_tokenizer.pretokenizers[0].behavior: "Removed" is not supported with a regular expression`},
		{"qwen", true, path(pre, "pretokenizers", 0, "invert"), `pre_tokenizer.pretokenizers[0].invert: true is not supported`},
		{"qwen", object{"type": "ByteLevel", "add_prefix_space": false}, path(pre, "pretokenizers", 0), `pre_tokenizer.pretokenizers[1].type: "ByteLevel" is not supported after ByteLevel`},
		{"qwen", 5, path(pre, "pretokenizers"), `pre_tokenizer.pretokenizers: json`},
		{"gpt2", nil, path("added_tokens"), `added_tokens: null is not supported`},
		{"gpt2", 5, path("added_tokens", 0), `added_tokens[0]: 5 is not supported`},
		{"gpt2", 1, path("added_tokens", 1, "lstrip"), `added_tokens[1].lstrip: 1 is not supported`},
		{"gpt2", remove{}, path("added_tokens", 1, "special"), `added_tokens[1].special: missing`},
		{"gpt2", "", path("added_tokens", 1, "content"), `added_tokens[1].content: "" is not supported`},
		{"gpt2", "<|continue|>", path("added_tokens", 1, "content"), `added_tokens[1].content: "<|continue|>" is given twice`},
		{"gpt2", 5, path("added_tokens", 1, "content"), `added_tokens[1]: json`},
		{"gpt2", 650, path("added_tokens", 1, "id"), `added_tokens[1].id: 650 is not supported: "<|reflect|>" is given the id 601`},
		{"gpt2", "he", path("added_tokens", 1, "content"), `added_tokens[1].id: 601 is not supported: "he" is given the id`},
		{"words", remove{}, path("model", "unk_token"), `model.unk_token: missing`},
		{"words", nil, path("model", "unk_token"), `model.unk_token: null is not supported`},
		{"words", 5, path("model", "unk_token"), `model.unk_token: json`},
		{"words", 5, path("model", "max_input_chars_per_word"), `model.max_input_chars_per_word: 5 is not supported`},
		{"words", object{"type": "ByteLevel", "add_prefix_space": false}, path(pre), `pre_tokenizer: {"add_prefix_space":false,"type":"ByteLevel"} is not supported`},
		{"words", "Punctuation", path(pre, "type"), `pre_tokenizer.type: "Punctuation" is not supported`},
		{"words", object{"type": "WordPiece"}, path("decoder"), `decoder.type: "WordPiece" is not supported`},
	} {
		_, err := Parse(edit(t, c.dir, c.value, c.path...))
		if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v at %v: error %v, want %s", c.dir, c.value, c.path, err, c.want)
		}
	}
}

func TestNotJSON(t *testing.T) {
	whole := string(readFile(t, "testdata/gpt2/tokenizer.json"))
	for _, c := range []struct{ data, want string }{
		{"", "unexpected end"},
		{"null", "the file: null is not supported"},
		{"[]", "cannot unmarshal array"},
		{"{}", "model: missing"},
		{whole[:len(whole)/2], "unexpected end"},
		{whole + "x", "invalid character"},
		{strings.Replace(whole, "reflect", "re\xff", 1), "not UTF-8"},
	} {
		if _, err := Parse([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%.20q) = %v, want %s", c.data, err, c.want)
		}
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		require.NoError(t, os.WriteFile(path, []byte(c.data), 0o600))
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open = %v, want %s and the path", err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of no file = %v", err)
	}
}

func TestCompact(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"b c"}`:           `{"a":"b c"}`,
		`{"a": "b c"}`:          `{"a":"b c"}`,
		"{\"a\":\n[1,\t\" \"]}": `{"a":[1," "]}`,
		`["\\\"", "\\" ,1]`:     `["\\\"","\\",1]`,
		`["\" "]`:               `["\" "]`,
		" 1\r\n":                "1",
	} {
		if got := string(compact([]byte(text))); got != want {
			t.Errorf("compact(%s) = %s, want %s", text, got, want)
		}
		if isCompact([]byte(text)) != (text == want) {
			t.Errorf("isCompact(%s) is %v", text, text != want)
		}
	}
}
