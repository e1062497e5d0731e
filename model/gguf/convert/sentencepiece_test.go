package convert

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/tokenizer"
)

// scoredGolden is testdata/sentencepiece/golden.json, which its README explains.
type scoredGolden struct {
	Tokens []string
	Scores []float32
	Types  []int32
	Merges [][2]string
	Cases  []struct {
		Text          string
		IDs           []int32
		Decoded       string
		SentencePiece []int32
	}
}

func readScoredGolden(t testing.TB) (g scoredGolden) {
	t.Helper()
	data, err := os.ReadFile(filetest.Path(t, "testdata", "sentencepiece", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	require.NoError(t, err)
	return g
}

func (g scoredGolden) metadata() map[string]any {
	return map[string]any{"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": g.Tokens, "tokenizer.ggml.scores": g.Scores, "tokenizer.ggml.token_type": g.Types}
}

// fromMetadata makes a tokenizer of a file's metadata.
func fromMetadata(metadata map[string]any) (*tokenizer.Tokenizer, error) {
	text, err := newMeta(metadata).tokenizer()
	if err != nil {
		return nil, err
	}
	return tokenizer.Parse(text)
}

// pairsLM is a small model with a tokenizer of SentencePiece's kind: that of Mistral, cut
// down, or that of testdata/sentencepiece. "unprefixed" and "metaspace" are Mistral's
// without a space in front of the text, in the two ways to write that.
func pairsLM(t testing.TB, b backend.Backend, name string) Model {
	t.Helper()
	if name == "sentencepiece" {
		tok, err := fromMetadata(readScoredGolden(t).metadata())
		require.NoError(t, err)
		return withTokenizer(t, b, tok)
	}
	change := []string{}
	if name != "mistral" {
		change = []string{`{"type":"Prepend","prepend":"▁"},`, ``, `,{"type":"Strip","content":" ","start":1,"stop":0}`, ``}
	}
	if name == "metaspace" {
		change = append(change, `{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}`, `null`,
			`"pre_tokenizer":null`, `"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}`)
	}
	return withTokenizer(t, b, mistral(t, change...))
}

// mistral is Mistral's tokenizer, cut down, with changes to its tokenizer.json: each first
// string becomes the second.
func mistral(t testing.TB, change ...string) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(filetest.Path(t, "tokenizer", "testdata", "mistral", "tokenizer.json"))
	require.NoError(t, err)
	text := string(data)
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("no %s", change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	tok, err := tokenizer.Parse([]byte(text))
	require.NoError(t, err)
	return tok
}

func withTokenizer(t testing.TB, b backend.Backend, tok *tokenizer.Tokenizer) Model {
	t.Helper()
	bos := int32(1)
	n, err := network.New(b, decoder.Config{ModelType: "llama", VocabSize: tok.Len() + 2, Dim: 32, IntermediateSize: 32, Layers: 1, Heads: 2, KVHeads: 2, MaxPositions: 64,
		EOS: 2, Pad: 2, BOS: &bos, InitRange: 0.3}, 5)
	require.NoError(t, err)
	return Model{Net: n, Tokenizer: tok, BOS: &bos}
}

// Tokens and scores give the merges of transformers, and the ids of the tokenizers library
// and of sentencepiece.
func TestGGUFScoresAgainstSentencePiece(t *testing.T) {
	g := readScoredGolden(t)
	text, err := newMeta(g.metadata()).tokenizer()
	require.NoError(t, err)
	var file struct {
		Model struct{ Merges [][2]string }
	}
	require.NoError(t, json.Unmarshal(text, &file))
	if !slices.Equal(file.Model.Merges, g.Merges) || len(g.Merges) < 900 {
		t.Errorf("merges are not the %d of transformers, but %d: %.300q", len(g.Merges), len(file.Model.Merges), file.Model.Merges)
	}
	tok, err := tokenizer.Parse(text)
	require.NoError(t, err)
	alone := 0
	for _, c := range g.Cases {
		ids, err := tok.EncodeStrict(c.Text)
		if err != nil || !slices.Equal(ids, c.IDs) {
			t.Errorf("%q: ids %v, want %v, %v", c.Text, ids, c.IDs, err)
		}
		if c.SentencePiece != nil {
			alone++
			if !slices.Equal(ids, c.SentencePiece) {
				t.Errorf("%q: ids %v, sentencepiece says %v", c.Text, ids, c.SentencePiece)
			}
		}
		if got := tok.Decode(c.IDs); got != c.Decoded {
			t.Errorf("%v: text %q, want %q", c.IDs, got, c.Decoded)
		}
	}
	if len(g.Cases) < 400 || alone < 200 {
		t.Errorf("%d cases, %d of them of sentencepiece", len(g.Cases), alone)
	}
}

// A tokenizer of SentencePiece's kind comes back from a GGUF file: the same ids for the
// texts that package tokenizer is tested on, and the same texts for ids.
func TestGGUFSentencePieceRoundTrip(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	type golden struct {
		Text    string
		IDs     []int32
		Decoded string
	}
	var cases struct{ Encode, Decode []golden }
	data, err := os.ReadFile(filetest.Path(t, "tokenizer", "testdata", "mistral", "random.json"))
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	require.NoError(t, err)
	all := map[string][]golden{"mistral": append(cases.Encode, cases.Decode...)}
	for _, name := range []string{"unprefixed", "metaspace"} {
		tok := pairsLM(t, b, name).Tokenizer
		for _, c := range cases.Encode {
			ids := tok.Encode(c.Text)
			all[name] = append(all[name], golden{c.Text, ids, tok.Decode(ids)})
		}
	}
	for _, c := range readScoredGolden(t).Cases {
		all["sentencepiece"] = append(all["sentencepiece"], golden{c.Text, c.IDs, c.Decoded})
	}
	for name, cases := range all {
		lm := pairsLM(t, b, name)
		special, err := lm.Tokenizer.AddSpecial("<|continue|>", "the")
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "m.gguf")
		require.NoError(t, Save(path, lm, gguf.F32))
		again, err := Open(b, path)
		require.NoError(t, err)
		if again.Tokenizer.Len() != lm.Tokenizer.Len() || !again.Tokenizer.IsSpecial(special[0]) {
			t.Errorf("%s: %d tokens, want %d", name, again.Tokenizer.Len(), lm.Tokenizer.Len())
		}
		for _, c := range cases {
			want := c.IDs
			if strings.Contains(c.Text, "the") || strings.Contains(c.Text, "<|continue|>") {
				want = lm.Tokenizer.Encode(c.Text) // with tokens of their own now
			}
			if got := again.Tokenizer.Encode(c.Text); c.Text != "" && !slices.Equal(got, want) {
				t.Errorf("%s: %q: ids %v, want %v", name, c.Text, got, want)
			}
			if got := again.Tokenizer.Decode(c.IDs); got != c.Decoded {
				t.Errorf("%s: %v: text %q, want %q", name, c.IDs, got, c.Decoded)
			}
		}
		if len(cases) < 150 {
			t.Errorf("%s: %d cases", name, len(cases))
		}
	}
}

// What SaveGGUF says of the tokens.
func TestGGUFSentencePieceMetadata(t *testing.T) {
	lm := pairsLM(t, modeltest.Backends(t)["go"], "mistral")
	m, err := lm.metadata()
	require.NoError(t, err)
	for key, want := range map[string]any{"model": "llama", "pre": "default", "add_space_prefix": true, "add_bos_token": true, "unknown_token_id": uint32(0), "merges": nil} {
		if got := m["tokenizer.ggml."+key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	tokens, kinds, scores := m["tokenizer.ggml.tokens"].([]string), m["tokenizer.ggml.token_type"].([]int32), m["tokenizer.ggml.scores"].([]float32)
	for _, c := range []struct {
		token string
		kind  int32
		score float32
	}{
		{"<unk>", tokenUnknown, 0}, {"<s>", tokenControl, 0}, {"<0x0A>", tokenByte, 0}, {"[PAD945]", tokenUnused, 0},
		{"▁t", tokenNormal, -1}, {"in", tokenNormal, -2}, {"▁the", tokenNormal, -12},
	} {
		if id := slices.Index(tokens, c.token); kinds[id] != c.kind || scores[id] != c.score {
			t.Errorf("%q has kind %d and score %g, want %d and %g", c.token, kinds[id], scores[id], c.kind, c.score)
		}
	}
	// Like SentencePiece, each token of the others has a score of its own; the last are the characters.
	different := map[float32]bool{}
	for id, kind := range kinds {
		if kind == tokenNormal {
			different[scores[id]] = true
		}
	}
	if want := len(tokens) - 3 - 256 - 2; len(different) != want || scores[slices.Index(tokens, "—")] > -600 {
		t.Errorf("%d scores, want %d", len(different), want)
	}
}

// A file that does not say so begins texts with token 1, and one that lacks a byte has the
// unknown token for it.
func TestGGUFSentencePieceDefaults(t *testing.T) {
	metadata := readScoredGolden(t).metadata()
	replace(metadata, "<0xF0>", "xyz")
	metadata["tokenizer.ggml.token_type"] = scoredMetadata(metadata["tokenizer.ggml.tokens"].([]string))["tokenizer.ggml.token_type"]
	text, err := newMeta(metadata).tokenizer()
	require.NoError(t, err)
	var file struct {
		PostProcessor json.RawMessage `json:"post_processor"`
	}
	if err := json.Unmarshal(text, &file); err != nil || !setsBefore(file.PostProcessor, "<s>") {
		t.Errorf("post_processor %s, %v", file.PostProcessor, err)
	}
	tok, err := tokenizer.Parse(text)
	require.NoError(t, err)
	if ids := tok.Encode("😀"); ids[len(ids)-1] != 0 {
		t.Errorf("ids %v, want the last to be 0", ids)
	}
}

// What scores cannot say, or llama.cpp does another way, is refused by name.
func TestGGUFSentencePieceRefuses(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	save := func(change ...string) error {
		t.Helper()
		_, err := withTokenizer(t, b, mistral(t, change...)).metadata()
		return err
	}
	open := func(dir string) error {
		t.Helper()
		tok, err := tokenizer.Open(filetest.Path(t, "tokenizer", "testdata", dir, "tokenizer.json"))
		require.NoError(t, err)
		_, err = withTokenizer(t, b, tok).metadata()
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{open("gemma"), `and the pre_tokenizer {"behavior":"MergedWithPrevious"`},
		{open("metaspace"), `the pre_tokenizer {"prepend_scheme":"first","replacement":"▁","split":false,"type":"Metaspace"}`},
		{open("pieces"), `with the normalizer {"type":"NFC"}`},
		{open("stripped"), `decoder {"prepend_scheme":"always"`},
		{save(`{"type":"Prepend","prepend":"▁"}`, `{"type":"Prepend","prepend":"▁▁"}`), `with the normalizer {"normalizers":[{"prepend":"▁▁"`},
		{save(`"byte_fallback":true`, `"byte_fallback":false`), "model.byte_fallback is false"},
		{save(`"byte_fallback":true`, `"ignore_merges":true,"byte_fallback":true`), "model.ignore_merges is true"},
		{save(`"normalized":false`, `"normalized":true`), `added token "<unk>": normalized is true`},
		{save(`"rstrip":false`, `"rstrip":true`), `added token "<unk>": rstrip is true`},
		{save(`"<0x07>"`, `"<0x7>"`), "the tokenizer has no <0x07>"},
		{save(`["▁on","e"],`, ``), `would merge "▁on" and "e" to "▁one", as no merge does`},
		{save(`["▁on","e"],`, ``, `["at","er"]`, `["at","er"],["▁on","e"]`), `merge 424, ["▁o" "ne"], and merge 637, ["▁on" "e"], make the same token, and others come between them`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %s", c.err, c.want)
		}
	}

	g := readScoredGolden(t)
	for _, c := range []struct {
		change func(metadata map[string]any)
		want   string
	}{
		{func(m map[string]any) { delete(m, "tokenizer.ggml.scores") }, `1200 tokens, but 0 of "tokenizer.ggml.scores"`},
		{func(m map[string]any) { m["tokenizer.ggml.scores"] = make([]int32, 1200) }, `"tokenizer.ggml.scores" is []int32, want []float32`},
		{func(m map[string]any) { m["tokenizer.ggml.scores"] = slices.Repeat([]float32{-1000}, 1200) }, "have the same score, -1000"},
		{func(m map[string]any) { m["tokenizer.ggml.add_space_prefix"] = uint8(1) }, `"tokenizer.ggml.add_space_prefix" is uint8, want bool`},
		{func(m map[string]any) { m["tokenizer.ggml.add_eos_token"] = true }, `"tokenizer.ggml.add_eos_token" is true`},
		{func(m map[string]any) { replace(m, "<0x07>", "<0x7>") }, `"<0x7>", is of kind 6, which are the bytes <0x00> to <0xFF>`},
		{func(m map[string]any) { replace(m, "e", "Ⅸ") }, "and one of them is no token"},
		{func(m map[string]any) { replace(m, "▁the", "<0x07>e") }, `"<0x07>e", has a part that stands for a byte`},
		{func(m map[string]any) { replace(m, "▁the", strings.Repeat("a", 600)) }, "has 600 bytes; up to 512 are supported"},
		{func(m map[string]any) {
			scores := slices.Clone(g.Scores)
			scores[300] /= 0
			scores[300] -= scores[300]
			m["tokenizer.ggml.scores"] = scores
		}, "has no number as its score"},
		{func(m map[string]any) {
			maps.Copy(m, scoredMetadata(runs("a", 60)))
		}, "in too many ways"},
	} {
		metadata := g.metadata()
		c.change(metadata)
		if _, err := fromMetadata(metadata); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %.400v, want %s", err, c.want)
		}
	}
}

// replace changes a token in metadata.
func replace(metadata map[string]any, old, new string) {
	tokens := slices.Clone(metadata["tokenizer.ggml.tokens"].([]string))
	tokens[slices.Index(tokens, old)] = new
	metadata["tokenizer.ggml.tokens"] = tokens
}

// scoredMetadata are tokens with falling scores, each of the kind that it looks like.
func scoredMetadata(tokens []string) map[string]any {
	kinds, scores := make([]int32, len(tokens)), make([]float32, len(tokens))
	for id, token := range tokens {
		kinds[id], scores[id] = tokenNormal, -float32(id)
		switch {
		case token == "<unk>":
			kinds[id] = tokenUnknown
		case isByteToken(token):
			kinds[id] = tokenByte
		case strings.HasPrefix(token, "<"):
			kinds[id] = tokenControl
		}
	}
	return map[string]any{"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores, "tokenizer.ggml.token_type": kinds}
}

// runs are a, aa, aaa, and so on: the most ways there are to make tokens of others.
func runs(letter string, n int) (tokens []string) {
	for i := range n {
		tokens = append(tokens, strings.Repeat(letter, i+1))
	}
	return tokens
}

// The memory for the merges of a file follows its size: what has too many is refused.
func TestGGUFScoresAreBounded(t *testing.T) {
	g := readScoredGolden(t)
	for name, c := range map[string]struct {
		tokens []string
		good   bool
	}{
		"golden":                 {g.Tokens, true},
		"golden and runs":        {slices.Concat(g.Tokens, runs("☺", 40)), true},
		"runs":                   {runs("a", 20), true},
		"longer runs":            {runs("a", 60), false},
		"golden and longer runs": {slices.Concat(g.Tokens, runs("☺", maxPiece/3)), false},
		"longest runs":           {runs("a", maxPiece), false},
	} {
		var file bytes.Buffer
		metadata := scoredMetadata(c.tokens)
		require.NoError(t, gguf.Write(&file, metadata, nil))
		var err error
		filetest.CheckMemory(t, file.Len(), func() { _, err = fromMetadata(metadata) })
		if (err == nil) != c.good {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
