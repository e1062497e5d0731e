package model

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// Without a tokenizer ids still work; what needs text is an error.
func TestOpenWithoutTokenizer(t *testing.T) {
	ctx := context.Background()
	b := modeltest.Backends(t)["go"]
	lm, err := Open(b, filepath.Join("testdata", "llama-tiny"))
	require.NoError(t, err)
	if lm.Tokenizer() != nil {
		t.Error("there is a tokenizer")
	}
	var golden llamaGolden
	modeltest.ReadJSON(t, filepath.Join("testdata", "llama-tiny", "golden.json"), &golden)
	prompt := golden.Cases[0].Prompt
	done, err := lm.Sample(ctx, Request{Prompt: prompt, MaxTokens: 4})
	if err != nil || !slices.Equal(done[0].Tokens, golden.Cases[0].Greedy[:4]) {
		t.Errorf("%v, %v", done, err)
	}
	dir := filepath.Join(t.TempDir(), "m")
	require.NoError(t, lm.Save(dir))
	again, err := Open(b, dir)
	require.NoError(t, err)
	one, err := lm.LogProbs(ctx, [][]int32{prompt})
	require.NoError(t, err)
	if two, err := again.LogProbs(ctx, [][]int32{prompt}); err != nil || !slices.Equal(one[0], two[0]) {
		t.Errorf("%v and %v, %v", one, two, err)
	}
	_, promptErr := lm.Prompt(coat.Bare, coat.Start{})
	_, _, encodeErr := lm.Encode(coat.Bare, coat.Attempt{})
	_, addErr := lm.AddSpecial("<x>")
	for name, err := range map[string]error{"Prompt": promptErr, "Encode": encodeErr, "AddSpecial": addErr,
		"CopyToken": lm.CopyToken("a", "b"), "SaveGGUF": lm.SaveGGUF(filepath.Join(dir, "m.gguf"), gguf.F32)} {
		if err == nil || !strings.Contains(err.Error(), "the model has no tokenizer") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if text := lm.Response([]int32{5}); text != "" {
		t.Errorf("response %q", text)
	}
}

// Models of one configuration share what is compiled, wherever their numbers lie in memory.
func TestOpenedModelsShareGraphs(t *testing.T) {
	bos := func(id int32) Config {
		c := small
		c.BOS = &id
		return c
	}
	if one, two := bos(1).String(), bos(1).String(); one != two {
		t.Errorf("%s is not %s", one, two)
	}
	if one, two := bos(1).String(), bos(2).String(); one == two {
		t.Errorf("%s is another's", one)
	}
}

// The ends that generation_config.json names are stops, too.
func TestGenerationConfig(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for _, c := range []struct {
		file, want string
		stops      []int32
	}{
		{`{"eos_token_id": 2}`, "", nil},
		{`{"eos_token_id": [5, 2, 7], "temperature": 0.6}`, "", []int32{5, 7}},
		{`{"eos_token_id": null}`, "", nil},
		{`{"eos_token_id": 97}`, "generation_config.json: eos_token_id 97 is outside the vocabulary of 97", nil},
		{`{`, "generation_config.json", nil},
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "mistral-tiny"))))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(c.file), 0o644))
		net, err := OpenNet(b, dir)
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v", c.file, err)
			}
		case err != nil || !slices.Equal(net.Config.Stops, c.stops):
			t.Errorf("%s: stops %v, %v", c.file, net, err)
		}
	}
}
